#!/usr/bin/env bash
# campaign_slurm_test.sh SOURCE BUILD [SEQUENCES]: campaigns as array jobs of a Slurm with one
# controller and two nodes, each in a network namespace, give the bytes of a single run; also when a
# node dies in the middle.
set -uo pipefail
source=$(realpath "$1") build=$(realpath "$2") total=${3:-${SEQUENCES:-600}}
export SEQUENCES=$total
# shellcheck source=campaign_hosts.sh
. "$source/scripts/tests/campaign_hosts.sh"
own_room munged slurmctld slurmd sbatch scancel sinfo
# shellcheck source=../test_helpers.sh
. "$source/scripts/test_helpers.sh"
slurm=/run/slurm # a Slurm installation of this machine is not touched
mkdir -p "$slurm/state" "$slurm/munge"
(umask 077 && head -c 128 /dev/urandom >"$slurm/munge.key")
export SLURM_CONF=$slurm/slurm.conf
cat >"$SLURM_CONF" <<END
ClusterName=campaign
SlurmctldHost=controller(10.77.0.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm/munge/socket
CredType=cred/munge
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool.%n
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.%n.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
SlurmdTimeout=6
MessageTimeout=5
KillWait=2
NodeName=two1 NodeAddr=10.77.0.1 CPUs=1 State=UNKNOWN
NodeName=two2 NodeAddr=10.77.0.2 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=two1,two2 Default=YES MaxTime=INFINITE State=UP
END
printf 'CgroupPlugin=cgroup/v1\n' >"$slurm/cgroup.conf"
munged --foreground --force --key-file="$slurm/munge.key" --socket="$slurm/munge/socket" --pid-file="$slurm/munged.pid" \
    --log-file="$slurm/munged.log" --seed-file="$slurm/munged.seed" >"$slurm/munged.said" 2>&1 </dev/null &
within 10 test -S "$slurm/munge/socket" || skip "munged does not start: $(cat "$slurm"/munged.*)"
slurmctld -D >"$slurm/slurmctld.said" 2>&1 </dev/null &
for i in 1 2; do
    mkdir "$slurm/spool.two$i"
    host two$i 10.77.0.$i 'exec slurmd -D'
done
nodes() { [[ $(sinfo -h -N -o '%N %t' | sort | paste -sd,) =~ $1 ]]; } # their states
within 60 nodes '^two1 idle,two2 idle$' ||
    { fail "Slurm does not start: $(sinfo 2>&1; tail -n 5 "$slurm"/*.log "$slurm"/*.said /run/two?.log)"; conclude campaign_slurm_test; exit; }

same_by slurm slurm oracle 7 --total "$total"
for i in 1 2; do check "two$i has run no part" grep -q 'Launching batch job' $slurm/slurmd.two$i.log; done
same_by slurm slurm sweep 2 -- --only 'inj*' --profile none,pinned,seed

# Interrupted, it cancels its job.
"$source/scripts/campaign.sh" oracle --build "$build" --parts 2 --total 20000 --out "$work/ended" --run slurm 2>/dev/null &
driver=$!
check "the job does not begin" within 60 runs_on two1 test_oracle
kill -TERM $driver
wait $driver
check "interrupted, it does not say so" [ $? -eq 130 ]
none() { [[ -z $(squeue -h) ]] && ! runs_on two1 test_oracle && ! runs_on two2 test_oracle; }
check "interrupted, it has left its job" within 60 none

survives two2 'a node dies' slurm
check "the node was not found dead" nodes '^two1 [a-z]+,two2 (down|drain|idle\*|unk)'
check "no part was run again" grep -q '^campaign: again: part-' "$work/driver"
check "a job is left" within 30 none
conclude campaign_slurm_test
