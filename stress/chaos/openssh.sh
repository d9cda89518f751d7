# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# openssh: a server on a high port of the loopback, with a key and configuration of its own, and
# clients. The server's configuration puts the sessions under the allocator too.
can_openssh() {
    has sshd ssh scp sftp ssh-keygen && [[ $(getent passwd "$EUID") != *nologin ]] &&
        { [[ $EUID -ne 0 ]] || [[ $(getent shadow root | cut -d: -f2) != '!'* ]]; } # sessions are the current user's
}
prepare_openssh() {
    ssh-keygen -q -t ed25519 -N '' -f "$work/key" && ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
}
case_openssh() {
    local status port tries=0 sshd
    sshd=$(command -v sshd) # sshd must be called by its full path
    # When root starts it, sshd insists on this folder; it exists if the system's own server runs.
    if [[ $EUID -eq 0 && ! -d /run/sshd ]]; then
        touch "$work/made_run_sshd"
        mkdir -m 755 /run/sshd || return
    fi
    cp "$work/key.pub" "$scratch/authorized"
    while :; do
        port=$((20000 + RANDOM % 12000))
        serve "$sshd" -D -e -f /dev/null -o Port=$port -o ListenAddress=127.0.0.1 -o HostKey="$work/host_key" \
            -o PidFile=none -o AuthorizedKeysFile="$scratch/authorized" -o StrictModes=no -o UsePAM=no -o LogLevel=ERROR \
            -o PermitRootLogin=prohibit-password -o PasswordAuthentication=no -o PrintLastLog=no -o MaxStartups=50 \
            -o Subsystem='sftp /usr/lib/openssh/sftp-server' -o LoginGraceTime=600 ${under[1]:+-o "SetEnv=${under[*]:1}"}
        await bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" && break
        ((tries++ < 3)) || return # the port may be taken
    done
    ssh_commands "$port" "$(id -un)@127.0.0.1"
    status=$?
    kill "$server"
    wait "$server" # ended by this signal
    return $status
}
# ssh_commands PORT ADDRESS
ssh_commands() {
    local options=(-F none -i "$work/key" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR -o BatchMode=yes
        -o UserKnownHostsFile="$scratch/known" -o ConnectTimeout=60) i clients=()
    local ssh=("${under[@]}" ssh "${options[@]}" -p "$1" "$2") copy=("${options[@]}" -P "$1" -q)
    "${ssh[@]}" 'echo here; exit 0' && "${ssh[@]}" -C 'cat; sort' <"$inputs/perl.pl" &&
        "${under[@]}" scp "${copy[@]}" "$inputs/lines" "$2:$PWD/copied" &&
        "${under[@]}" scp "${copy[@]}" -r -C "$2:$inputs/project/alloc" back &&
        "${under[@]}" sftp "${copy[@]}" -b - "$2" <<SFTP || return
cd $PWD
lcd $inputs
mkdir sub
put -R project/sweep sub
rename copied sub/renamed
ls -1 sub
get sub/renamed $PWD/again
rm sub/renamed
SFTP
    "${ssh[@]}" 'exit 9'
    echo "status $?"
    for i in 1 2 3 4; do # at the same time
        "${ssh[@]}" "yes line $i | head -n 20000" >"client$i" &
        clients+=($!)
    done
    wait "${clients[@]}" || return
    # Several sessions in one connection, and another connection through it.
    "${ssh[@]}" -M -N -f -S "$scratch/master" && "${ssh[@]}" -S "$scratch/master" 'echo shared' &&
        "${ssh[@]}" -S "$scratch/master" -tt 'echo on a terminal' </dev/null | tr -d '\r' &&
        "${ssh[@]}" -o ProxyCommand="ssh -F none -S $scratch/master -W 127.0.0.1:$1 $2" 'echo through it' &&
        "${ssh[@]}" -S "$scratch/master" -O exit
}
tidy_openssh() {
    [[ ! -e $work/made_run_sshd ]] || rmdir /run/sshd
    rm -f "$work/made_run_sshd"
}
