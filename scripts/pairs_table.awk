# pairs_table.awk - makes the rows of pairs.tsv from runs: size threads allocator round ns. To be
# loaded after quantile.awk.

BEGIN { FS = OFS = "\t"; allocators = split(names, allocator, " "); size_count = split(sizes, size, " ") }

{
    ns[$1, $2, $3, $4] = $5
    add("ns" SUBSEP $1 SUBSEP $2 SUBSEP $3, $5 + 0)
    if ($4 > rounds) rounds = $4
}

# A row by its size, its number of threads and its allocator.
function row(bytes, threads, name,    key, r) {
    key = bytes SUBSEP threads SUBSEP name
    for (r = 1; r <= rounds; r++)
        if ((key, r) in ns && ns[bytes, threads, "glibc", r] > 0)
            add("ratio" SUBSEP key, ns[key, r] / ns[bytes, threads, "glibc", r])
    key = "ratio" SUBSEP key
    print bytes, threads, name, shown(median("ns" SUBSEP bytes SUBSEP threads SUBSEP name), "%.2f"), \
        shown(median(key), "%.3f"), shown(quantile(key, 0.25), "%.3f"), shown(quantile(key, 0.75), "%.3f")
}

END {
    for (i = 1; i <= size_count; i++)
        for (threads = 1; threads <= 2; threads++)
            for (a = 1; a <= allocators; a++) row(size[i], threads, allocator[a])
}
