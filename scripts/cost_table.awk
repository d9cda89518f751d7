# cost_table.awk - makes the rows of cost.tsv, in two tables that bench_cost.sh joins. To be loaded
# after quantile.awk. `table` is
#
#     counts    from the allocations of one proof of each workload (workload size count) and the counts
#               (workload setting instructions d1_misses ll_misses page_faults copied_bytes)
#     times     from the runs (workload setting round ms system_ms)

BEGIN {
    FS = OFS = "\t"
    settings = split(names, setting, " ")
    default_min_bytes = 4096
    if (table == "counts")
        print "workload", "min_bytes", "instructions", "d1_misses", "ll_misses", "page_faults", "copied_bytes", "moved_bytes", "moved_percent"
    else
        print "workload", "min_bytes", "system_ms", "rounds", "median_ratio", "low", "high"
}

!($1 in seen) { seen[$1]; order[++workloads] = $1 }

NF == 3 {
    bytes[$1] += $2 * $3
    for (i = 1; i <= settings; i++)
        if ($2 < (setting[i] == "pinned" ? default_min_bytes : setting[i] + 0)) moved[$1, setting[i]] += $2 * $3
}

NF == 7 { counts[$1, $2] = $3 OFS $4 OFS $5 OFS $6 OFS $7 }

NF == 5 {
    warm[$1, $2, $3] = $4
    if ($5 != "NA") add("system" SUBSEP $1 SUBSEP $2, $5 + 0)
    if ($3 + 0 > rounds[$1]) rounds[$1] = $3 + 0
}

function counts_of(workload, which) {
    print workload, which, counts[workload, which], moved[workload, which] + 0, \
        sprintf("%.3f", bytes[workload] ? 100 * moved[workload, which] / bytes[workload] : 0)
}

function times_of(workload, which,    key, r) {
    key = workload SUBSEP which
    for (r = 1; r <= rounds[workload]; r++)
        if (warm[workload, which, r] > 0 && warm[workload, 0, r] > 0)
            add(key, warm[workload, which, r] / warm[workload, 0, r])
    print workload, which, shown(median("system" SUBSEP key), "%.3f"), length_of[key] + 0, shown(median(key), "%.3f"), \
        shown(interval_low(key), "%.3f"), shown(interval_high(key), "%.3f")
}

END {
    for (w = 1; w <= workloads; w++)
        for (i = 1; i <= settings; i++)
            if (table == "counts") counts_of(order[w], setting[i])
            else times_of(order[w], setting[i])
}
