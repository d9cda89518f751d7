# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# memcached: four threads, small slabs, clients that check what they get.
can_memcached() { has memcached && [[ -n $python ]]; }
case_memcached() {
    local status root=()
    [[ $EUID -ne 0 ]] || root=(-u root)
    serve memcached "${root[@]}" -A -s "$scratch/socket" -t 4 -m 64 -o slab_chunk_max=16384 -f 1.1
    await test -S "$scratch/socket" && with_python "$inputs/memcached.py" "$scratch/socket" "$((lines / 200))"
    status=$?
    [[ $status -eq 0 ]] || kill "$server"
    ended
    return $status
}
