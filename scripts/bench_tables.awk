# bench_tables.awk - makes the table that `table` names from the runs of bench.sh: bench, memory,
# targets, people, noise. To be loaded after quantile.awk and verdict.awk.
#
# A run is a line: workload allocator round warm_ms whole_s page_faults instructions peak_rss_bytes phase_bytes system_ms.
# Ratios are computed within a round, in which the state of the machine was the same for both, and
# then compared over the rounds.

BEGIN { FS = OFS = "\t" }

{
    if (!($1 in workload_seen)) { workload_seen[$1]; workloads[++workload_count] = $1 }
    if ($3 > rounds[$1]) rounds[$1] = $3
    warm[$1, $2, $3] = $4; whole[$1, $2, $3] = $5; peak[$1, $2, $3] = $8
    if ($6 != "NA") add("faults" SUBSEP $1 SUBSEP $2, $6 + 0)
    if ($7 != "NA") add("instructions" SUBSEP $1 SUBSEP $2, $7 + 0)
    if ($8 != "NA") add("peak" SUBSEP $1 SUBSEP $2, $8 / 1048576)
    if ($9 != "NA") add("phase" SUBSEP $1, $9 / 1048576)
    if ($10 != "NA") add("system" SUBSEP $1 SUBSEP $2, $10 + 0)
    has[$1, $2]
}

# Makes the series of ratios of `what` to the other allocator's, over the rounds that have both;
# returns its name.
function ratios(what, workload, allocator, other,    key, r, a, b) {
    key = what SUBSEP workload SUBSEP allocator SUBSEP other
    if (key in ratios_made) return key
    ratios_made[key]
    for (r = 1; r <= rounds[workload]; r++) {
        if (what == "warm") { a = warm[workload, allocator, r]; b = warm[workload, other, r] }
        if (what == "whole") { a = whole[workload, allocator, r]; b = whole[workload, other, r] }
        if (what == "peak") { a = peak[workload, allocator, r]; b = peak[workload, other, r] }
        if (a + 0 > 0 && b + 0 > 0) add(key, a / b)
    }
    return key
}

# ---- The tables for machines ----

function bench(workload, allocator,    instructions) {
    instructions = shown(median("instructions" SUBSEP workload SUBSEP allocator), "%.0f")
    print workload, allocator, quartiles(ratios("warm", workload, allocator, "glibc")), \
        shown(median("faults" SUBSEP workload SUBSEP allocator), "%.0f"), \
        shown(median("system" SUBSEP workload SUBSEP allocator), "%.3f"), \
        instructions, instructions == "NA" ? "NA" : "pmu"
}

function memory(workload, allocator) {
    print workload, allocator, shown(median("peak" SUBSEP workload SUBSEP allocator), "%.1f"), \
        shown(median("phase" SUBSEP workload), "%.1f"), \
        shown(median(ratios("peak", workload, allocator, "mimalloc")), "%.3f")
}

function target(what, workload, key, least, most, limit) {
    print what, workload, quartiles(key), limit, verdict(key, least, most)
}

# The peer compared with which pinned is slowest: the target is to be no slower than the best.
function best_peer(workload,    i, n, peer, key, best) {
    n = split("glibc_tuned mimalloc jemalloc tcmalloc", peer, " ")
    for (i = 1; i <= n; i++) {
        key = ratios("warm", workload, "pinned", peer[i])
        if (median(key) != "NA" && (best == "" || median(key) > median(best))) best = key
    }
    return best
}

# The allocator that is furthest from glibc.
function furthest(workload,    i, key, best, off, most) {
    most = -1
    for (i = 1; i <= allocator_count; i++) {
        key = ratios("warm", workload, allocators[i], "glibc")
        if (median(key) == "NA") continue
        off = median(key) > 1 ? median(key) - 1 : 1 - median(key)
        if (off > most) { most = off; best = key }
    }
    return best
}

function targets(workload) {
    target("pinned_to_best_peer", workload, best_peer(workload), 0, 1, "1.00")
    target("pinned_0_to_blind", workload, ratios("warm", workload, "pinned_0", "blind"), 0, 1.02, "1.02")
    target("pinned_to_static", workload, ratios("warm", workload, "pinned", "static"), 0, 1.02, "1.02")
    if (workload ~ /^prove_sumcheck-/)
        target("any_to_glibc", workload, furthest(workload), 0.98, 1.02, "0.98..1.02")
    target("pinned_memory_to_mimalloc", workload, ratios("peak", workload, "pinned", "mimalloc"), 0, 1.5, "1.50")
}

# ---- The table for people, and how reliable it is ----

function people(workload,    i, a, key, faults) {
    printf "%s%s%s  %s MiB a proof, %d rounds\n", bold, workload, plain, shown(median("phase" SUBSEP workload), "%.0f"), \
        rounds[workload]
    printf "  %-12s  %11s  %-13s  %9s  %11s  %9s  %8s\n", "allocator", "time, glibc", "quartiles", "to static", \
        "whole, glibc", "faults", "peak MiB"
    for (i = 1; i <= allocator_count; i++) {
        a = allocators[i]
        key = ratios("warm", workload, a, "glibc")
        printf "  %-12s  %11s  %-13s  %9s  %12s  %9s  %8s\n", a, shown(median(key), "%.3f"), \
            median(key) == "NA" ? "NA" : sprintf("%.3f..%.3f", quantile(key, 0.25), quantile(key, 0.75)), \
            shown(median(ratios("warm", workload, a, "static")), "%.3f"), \
            shown(median(ratios("whole", workload, a, "glibc")), "%.3f"), \
            shown(median("faults" SUBSEP workload SUBSEP a), "%.0f"), \
            shown(median("peak" SUBSEP workload SUBSEP a), "%.1f")
    }
    print ""
}

function noise(    w) {
    for (w = 1; w <= workload_count; w++) add_series("noise", ratios("warm", workloads[w], "glibc_again", "glibc"))
    tell_noise("noise")
}

END {
    allocator_count = split(names, allocators, " ")
    if (table == "noise") noise()
    for (w = 1; w <= workload_count; w++) {
        if (table == "people") people(workloads[w])
        if (table == "targets") targets(workloads[w])
        for (i = 1; i <= allocator_count; i++) {
            if (table == "bench") bench(workloads[w], allocators[i])
            if (table == "memory") memory(workloads[w], allocators[i])
        }
    }
}
