# shellcheck shell=bash
# campaign_hosts.sh - for the tests of campaign.sh with real engines: namespaces, hosts in them, and
# campaigns. To be sourced by a test that has set source and build, and then calls own_room.
# shellcheck disable=SC2154 # the test sets source and build, test_helpers.sh sets work
PATH+=:/usr/sbin:/sbin
skip() {
    echo "$(basename "$0" .sh): skip: $1"
    exit 77
}

# own_room PROGRAM...: runs the test again in namespaces of its own: its processes, network and
# mounts end with it, however it ends. Returns inside of them. Skips the test, and says why, if a
# program or a right is missing.
own_room() {
    local program room inside
    for program in unshare setpriv ip "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed: scripts/bootstrap.sh --stress"
    done
    if [[ -z ${CAMPAIGN_ROOM:-} ]]; then
        [[ $EUID -eq 0 ]] || skip 'not root, who can make network namespaces'
        unshare --net --uts --mount --pid --mount-proc --fork true 2>/dev/null || skip 'no namespaces can be made here'
        room=$(mktemp -d) || exit
        TMPDIR=$room CAMPAIGN_ROOM=1 setpriv --pdeathsig KILL \
            unshare --net --uts --mount --pid --mount-proc --fork --kill-child "$0" "$source" "$build" &
        inside=$!
        # unshare itself ignores TERM; killing it ends everything inside.
        trap 'kill -KILL $inside 2>/dev/null; wait; rm -rf "$room"' EXIT
        trap "exit 143" TERM INT HUP
        wait $inside
        exit
    fi
    { mount -t tmpfs run /run && mkdir -p /run/netns /run/sshd && hostname controller; } || skip 'nothing can be mounted here'
    { ip link set lo up && ip link add bridge type bridge && ip address add 10.77.0.254/24 dev bridge &&
        ip link set bridge up; } || skip 'no network can be made here'
}

# host NAME ADDRESS COMMAND: a host that runs COMMAND, with a network, a name and processes of its
# own. Its output is in /run/NAME.log. It shares this machine's folders.
declare -A hosts=()
host() {
    ip netns add "$1" && ip link add "$1" type veth peer name eth0 netns "$1" && ip link set "$1" master bridge up &&
        ip -n "$1" address add "$2/24" dev eth0 && ip -n "$1" link set eth0 up && ip -n "$1" link set lo up || return
    ip netns exec "$1" unshare --uts --mount --pid --mount-proc --fork --kill-child \
        bash -c "hostname $1 && $3" >"/run/$1.log" 2>&1 </dev/null &
    hosts[$1]=$!
}
# runs_on HOST PROGRAM: is it running there now?
runs_on() { ip netns pids "$1" | xargs -r ps -o comm= -p | grep -qx "$2"; }
# die_of HOST: from one moment to the next, it no longer answers, and its processes are gone.
die_of() {
    ip link set "$1" down
    kill -KILL "${hosts[$1]}"
    wait "${hosts[$1]}"
} 2>/dev/null
# within SECONDS COMMAND...: waits until it succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

campaign() { "$source/scripts/campaign.sh" "$@"; }
# same_by NAME WAY KIND PARTS ARGUMENT...: checks that a campaign gives the bytes of a single run on
# this machine. WAY is split into words.
same_by() {
    local name=$1 kind=$3 parts=$4 way single=$work/$3
    read -ra way <<<"$2"
    shift 4
    [[ -e $single ]] || run 0 campaign "$kind" --build "$build" --parts 1 --out "$single" --run local --merge "$@"
    run 0 campaign "$kind" --build "$build" --parts "$parts" --out "$work/$kind.$name" --run "${way[@]}" --merge "$@"
    check "$kind, $name: not the bytes of a single run" diff -r "$single/merged" "$work/$kind.$name/merged"
}
# survives HOST NAME WAY: the same for a campaign during which HOST dies, with a part half done.
survives() {
    local host=$1 name=$2 way driver status out=$work/oracle.$2
    read -ra way <<<"$3"
    campaign oracle --build "$build" --parts 6 --total "$total" --out "$out" --run "${way[@]}" --merge >"$work/driver" 2>&1 &
    driver=$!
    check "$name: no part runs on $host" within 60 runs_on "$host" test_oracle
    die_of "$host"
    check "$name: all parts were there before the host died" [ "$(find "$out" -name 'part-*' | wc -l)" -lt 6 ]
    wait "$driver"
    status=$?
    check "$name: exit status $status: $(<"$work/driver")" [ $status -eq 0 ]
    check "$name: not the bytes of a single run" diff -r "$work/oracle/merged" "$out/merged"
}
