#!/usr/bin/env bash
# campaign_parallel_test.sh SOURCE BUILD [SEQUENCES]: campaigns with GNU parallel, here and over ssh
# on two hosts in network namespaces, which do not see the campaign's folder, give the bytes of a
# single run; also when a host dies in the middle.
set -uo pipefail
source=$(realpath "$1") build=$(realpath "$2") total=${3:-${SEQUENCES:-600}}
export SEQUENCES=$total
# shellcheck source=campaign_hosts.sh
. "$source/scripts/tests/campaign_hosts.sh"
own_room parallel ssh sshd ssh-keygen
# shellcheck source=../test_helpers.sh
. "$source/scripts/test_helpers.sh"
export HOME=$work
hosted=/run/hosted # what the hosts see of this test: its keys, and sshd's settings
mkdir -m 700 "$hosted"
for key in key host_key; do ssh-keygen -q -t ed25519 -N '' -f "$hosted/$key" || skip 'no keys can be made here'; done
cat >"$hosted/sshd" <<END
HostKey $hosted/host_key
AuthorizedKeysFile $hosted/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
PidFile none
MaxStartups 100
END
export PARALLEL_SSH="ssh -F none -i $hosted/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
    -o LogLevel=ERROR -o ConnectTimeout=5 -o ServerAliveInterval=1 -o ServerAliveCountMax=3"
PARALLEL_SSH=${PARALLEL_SSH//$'\n'/ }
for i in 1 2; do
    host one$i 10.77.0.$i "mount -t tmpfs none '$work' && exec $(command -v sshd) -D -e -f $hosted/sshd"
    check "host $i does not answer: $(cat /run/one$i.log)" within 30 bash -c "$PARALLEL_SSH root@10.77.0.$i true"
done
over="parallel --sshlogin 1/root@10.77.0.1 --sshlogin 1/root@10.77.0.2 --jobs 1"

same_by here 'parallel --jobs 2' oracle 5 --total "$total"
same_by ssh "$over" oracle 7 --total "$total"
check "a host has run no part: $(cat /run/one?.log)" [ "$(cat /run/one[12].log | grep -c '^Accepted publickey')" -ge 9 ]
same_by here parallel sweep 2 -- --only 'inj*' --profile none,pinned,seed
same_by ssh "$over" sweep 2 -- --only 'inj*' --profile none,pinned,seed
same_by ssh "$over" soundness 3 --total 120
same_by ssh "$over" chaos 4 --total 8 -- sort "$source/README.md"
survives one2 'a host dies' "$over"
conclude campaign_parallel_test
