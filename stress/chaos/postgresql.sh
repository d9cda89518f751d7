# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# postgresql: a cluster is created, serves concurrent clients with parallel workers and compiled
# expressions, and is dumped. It runs as an unprivileged user, since it refuses root; its socket is
# in the scratch folder.
postgresql=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
can_postgresql() { [[ $EUID -ne 0 ]] || has setpriv && has "$postgresql"/{initdb,postgres,psql,pgbench,pg_dump,pg_ctl}; }
case_postgresql() {
    local status user=() data=$scratch/data
    if [[ $EUID -eq 0 ]]; then
        user=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
        chown nobody "$scratch"
    fi
    local in=(-h "$scratch" -U owner)
    "${under[@]}" "${user[@]}" "$postgresql/initdb" -N -U owner -A trust -E UTF8 --no-locale "$data" >/dev/null || return
    # If it is killed, it leaves no shared memory, except what tidy_postgresql removes.
    serve "${user[@]}" "$postgresql/postgres" -D "$data" -k "$scratch" -h '' -c dynamic_shared_memory_type=mmap \
        -c fsync=off -c shared_buffers=8MB -c work_mem=256kB -c autovacuum_naptime=1s -c max_parallel_workers=4 \
        -c min_parallel_table_scan_size=0 -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c jit_above_cost=5000 \
        -c log_min_messages=fatal
    await "$postgresql/pg_isready" -q "${in[@]}" &&
        "${under[@]}" "$postgresql/pgbench" "${in[@]}" -i -q -s 1 postgres &>/dev/null &&
        "${under[@]}" "$postgresql/pgbench" "${in[@]}" -n -c 4 -j 2 -t "$((lines / 2000))" --random-seed=1 -M prepared \
            postgres >/dev/null 2>&1 &&
        "${under[@]}" "$postgresql/psql" "${in[@]}" -X -q -A -v ON_ERROR_STOP=1 -f "$inputs/postgresql.sql" postgres &&
        "${under[@]}" "$postgresql/pg_dump" "${in[@]}" -T pgbench_history postgres | grep -Ev '^\\(un)?restrict|^-- Dumped' |
        sort >dump # the order of rows varies, since clients change them concurrently
    status=$?
    kill -INT "$server" # a fast shutdown
    ended
    return $status
}
tidy_postgresql() {
    local segment
    segment=$(sed -n '7s/^ *[0-9]* *//p' "$scratch/data/postmaster.pid")
    [[ -z $segment ]] || ipcrm -m "$segment"
}
