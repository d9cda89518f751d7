# cost_table.awk - the rows of cost.tsv, from the allocations of one proof of each workload (workload size count) and
# the runs (workload setting round ms). After quantile.awk.

BEGIN { FS = OFS = "\t"; settings = split(names, setting, " "); default_min_bytes = 4096 }

NF == 3 {
    bytes[$1] += $2 * $3
    for (i = 1; i <= settings; i++)
        if ($2 < (setting[i] == "pinned" ? default_min_bytes : setting[i] + 0)) moved[$1, setting[i]] += $2 * $3
}

NF == 4 {
    warm[$1, $2, $3] = $4
    if (!($1 in rounds)) order[++workloads] = $1
    if ($3 > rounds[$1]) rounds[$1] = $3
}

function row(workload, which,    key, r) {
    key = workload SUBSEP which
    for (r = 1; r <= rounds[workload]; r++)
        if (warm[workload, which, r] > 0 && warm[workload, 0, r] > 0)
            add(key, warm[workload, which, r] / warm[workload, 0, r])
    print workload, which, shown(median(key), "%.3f"), shown(quantile(key, 0.25), "%.3f"), \
        shown(quantile(key, 0.75), "%.3f"), moved[workload, which] + 0, \
        sprintf("%.3f", bytes[workload] ? 100 * moved[workload, which] / bytes[workload] : 0)
}

END {
    for (w = 1; w <= workloads; w++)
        for (i = 1; i <= settings; i++) row(order[w], setting[i])
}
