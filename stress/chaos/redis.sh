# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# redis: a server (as Debian links it, with jemalloc) with I/O threads, which saves from a child
# process and rewrites its log; its clients do the same every time.
can_redis() { has redis-server redis-cli redis-benchmark; }
case_redis() {
    local cli=("${under[@]}" redis-cli -s "$scratch/socket") status
    serve redis-server --port 0 --unixsocket "$scratch/socket" --dir "$scratch" --save '' --appendonly yes \
        --appendfsync no --io-threads 2 --io-threads-do-reads yes --maxmemory 0 --activerehashing yes \
        --enable-debug-command local --logfile "$scratch/log" --list-max-listpack-size 16 --hz 100
    await redis-cli -s "$scratch/socket" ping &&
        "${under[@]}" redis-benchmark -s "$scratch/socket" -q -n "$((lines / 40))" -c 20 -P 4 -d 300 --threads 2 \
            -t set,lpush,sadd,zadd,mset,lrange_100 >/dev/null &&
        redis_commands "$((lines / 200))" | "${cli[@]}" --pipe --pipe-timeout 0 | tail -n 1 &&
        "${cli[@]}" <<'COMMANDS' &&
eval "local n = 0 for _, k in ipairs(redis.call('keys', 's:*')) do n = n + redis.call('strlen', k) end return n" 0
eval "return cjson.encode({redis.call('zrange', 'z', 0, 20, 'withscores'), redis.sha1hex(cmsgpack.pack({1, 2, {a = 3}}))})" 0
sort list limit 0 20 by h:*->weight get # get h:*->text alpha
zrangebyscore z 100 120 withscores
pfcount counted
bitcount bits
geosearch places frommember place7 byradius 2000 km asc count 5
xrange stream - + count 3
xautoclaim stream group another 0 0 count 5 justid
lrange list 0 20
dbsize
bgsave
COMMANDS
        await redis_is rdb_bgsave_in_progress:0 rdb_last_bgsave_status:ok && "${cli[@]}" bgrewriteaof &&
        await redis_is aof_rewrite_in_progress:0 aof_last_bgrewrite_status:ok && "${cli[@]}" debug reload &&
        "${cli[@]}" debug digest && "${cli[@]}" debug loadaof && "${cli[@]}" debug digest &&
        "${cli[@]}" memory purge && "${cli[@]}" flushall async && "${cli[@]}" dbsize
    status=$?
    "${cli[@]}" shutdown nosave
    ended
    [[ $status -eq 0 ]] || tail -n 5 "$scratch/log" >&2
    return $status
}
redis_is() {
    local found
    found=$(redis-cli -s "$scratch/socket" info persistence | tr -d '\r' | grep -xcF -f <(printf '%s\n' "$@"))
    [[ $found -eq $# ]]
}
# Of each type of value, some that are stored packed and some that are not.
redis_commands() {
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            x = (x * 1103515245 + 12345) % 2147483648; text = ""
            for (j = 0; j < x % 40; j++) text = text "x" x
            print "set s:" i, text "."; print "append s:" i % 50, text "."; print "setrange s:" i % 20, x % 5000, "r"
            print "hset h:" i % 200, "weight", x, "text", "t" text, "f" i, i; print "lpush list", i % 200, "list" x
            print "zadd z", x % 1000, "member" x; print "sadd set:" i % 20, x, i; print "pfadd counted", x, i, x % 99
            print "setbit bits", x % 100000, 1; print "geoadd places", x % 180, x % 85, "place" i % 300
            print "xadd stream", i + 1 "-1", "field", text "."
            if (i % 7 == 0) print "del s:" i - 3, "h:" i % 50
            if (i % 9 == 0) print "sunionstore set:all set:1 set:2 set:" i % 20
            if (i % 50 == 0) print "ltrim list 0 300\nlinsert list before 5 five\ncopy s:1 s:copied replace"
        }
        print "lrem list 0 five\nltrim list 0 100\ndel h:0\nxgroup create stream group 0\nxreadgroup group group one count 20 streams stream >"
        for (i = 0; i < 200; i++) print "hset h:" i, "weight", i * 7919 % 101, "text", "t" i
    }'
}
