# lifetime_tables.awk - makes the table that `table` names from the runs of bench_memory.sh: memory,
# targets, people, noise; or check: only the targets of resident memory, each `factor` times as
# high. To be loaded after quantile.awk and verdict.awk. The first file is lifetime_targets.tsv, the
# second the runs.
#
# A run is a line: row allocator round seconds ns_each end_kib peak_kib live_kib early_kib faults;
# NA for what is not reported. Ratios are computed within a round, in which the state of the machine
# was the same for both, and then compared over the rounds.
#
# A target is a line: row allocator measure most than. The measures are
#
#     time seconds, or ns if only those are reported: to another allocator's each ns of a unit more
#     ns of a unit, over glibc's end peak resident memory: to another allocator's; to live, what was
#     asked for at one time; or in MiB growth resident at the end: to early, where the program said
#     that it had settled faulted page faults, as memory: to live

BEGIN { FS = OFS = "\t" }

FNR == 1 { file++ }

file == 1 && FNR > 1 { target_line[++target_count] = $0 }

file == 2 {
    if (!($1 in row_seen)) { row_seen[$1]; rows[++row_count] = $1 }
    if ($3 > rounds[$1]) rounds[$1] = $3
    value[$1, $2, $3, "time"] = $4 != "NA" ? $4 : $5
    value[$1, $2, $3, "each"] = $5
    value[$1, $2, $3, "end"] = $6
    value[$1, $2, $3, "peak"] = $7
    value[$1, $2, $3, "live"] = $8
    value[$1, $2, $3, "early"] = $9
    value[$1, $2, $3, "faulted"] = $10 == "NA" ? "NA" : $10 * page_bytes / 1024
    has[$1, $2]
}

function at(row, allocator, round, measure,    key) {
    key = row SUBSEP allocator SUBSEP round SUBSEP measure
    return key in value ? value[key] : "NA"
}

# Measure and unit of one run as a number, or NA.
function compared(row, allocator, round, measure, than,    a, b) {
    a = at(row, allocator, round, measure == "more" ? "each" : measure == "growth" ? "end" : measure)
    if (than == "MiB") return a == "NA" ? a : a / 1024
    if (than == "ns" && measure == "each") return a
    if (measure == "more") b = at(row, "glibc", round, "each")
    else if (than == "live" || than == "early") b = at(row, allocator, round, than)
    else b = at(row, than, round, measure)
    if (a == "NA" || b == "NA" || b + 0 <= 0) return "NA"
    return measure == "more" ? a - b : a / b
}

# Makes the series of these numbers over the rounds; returns its name.
function series_of(row, allocator, measure, than,    key, r, x) {
    key = "of" SUBSEP row SUBSEP allocator SUBSEP measure SUBSEP than
    if (key in series_made) return key
    series_made[key]
    for (r = 1; r <= rounds[row]; r++) {
        x = compared(row, allocator, r, measure, than)
        if (x != "NA") add(key, x + 0)
    }
    return key
}

function median_of(row, allocator, measure, than, format) {
    return shown(median(series_of(row, allocator, measure, than)), format)
}

function plain_median(row, allocator, measure, scale, format,    key, r, x) {
    key = "plain" SUBSEP row SUBSEP allocator SUBSEP measure
    if (!(key in series_made))
        for (r = 1; r <= rounds[row]; r++) {
            x = at(row, allocator, r, measure)
            if (x != "NA") add(key, x * scale)
        }
    series_made[key]
    return shown(median(key), format)
}

# ---- The tables for machines ----

function memory(row, allocator) {
    print row, allocator, quartiles(series_of(row, allocator, "time", "glibc")), \
        quartiles(series_of(row, allocator, "end", "glibc")), quartiles(series_of(row, allocator, "peak", "glibc")), \
        plain_median(row, allocator, "time", 1, "%.6g"), plain_median(row, allocator, "end", 1 / 1024, "%.1f"), \
        plain_median(row, allocator, "peak", 1 / 1024, "%.1f"), plain_median(row, allocator, "live", 1 / 1024, "%.1f")
}

function each_target(    i, f, key) {
    for (i = 1; i <= target_count; i++) {
        split(target_line[i], f, "\t")
        if (!(f[1] in row_seen)) continue
        key = series_of(f[1], f[2], f[3], f[5])
        if (table == "targets") print f[1], f[2], f[3], f[5], quartiles(key), f[4], verdict(key, -1e18, f[4] + 0)
        if (table == "check" && (f[1], f[2]) in has && f[3] ~ /^(end|peak|growth|faulted)$/)
            print f[1], f[2], f[3], f[5], shown(median(key), "%.3f"), factor * f[4], verdict(key, 0, factor * f[4])
    }
}

# ---- The table for people, and how reliable it is ----

function people(row,    i, a) {
    printf "%s%s%s  %d round%s, %s MiB asked for\n", bold, row, plain, rounds[row], (rounds[row] > 1 ? "s" : ""), \
        plain_median(row, "glibc", "live", 1 / 1024, "%.1f")
    printf "  %-12s  %11s  %-13s  %10s  %10s  %8s  %8s\n", "allocator", "time, glibc", "quartiles", "end, glibc", \
        "peak,glibc", "end MiB", "peak MiB"
    for (i = 1; i <= allocator_count; i++) {
        a = allocators[i]
        if (!((row, a) in has)) continue
        key = series_of(row, a, "time", "glibc")
        printf "  %-12s  %11s  %-13s  %10s  %10s  %8s  %8s\n", a, shown(median(key), "%.3f"), \
            median(key) == "NA" ? "NA" : sprintf("%.3f..%.3f", quantile(key, 0.25), quantile(key, 0.75)), \
            median_of(row, a, "end", "glibc", "%.3f"), median_of(row, a, "peak", "glibc", "%.3f"), \
            plain_median(row, a, "end", 1 / 1024, "%.1f"), plain_median(row, a, "peak", 1 / 1024, "%.1f")
    }
    print ""
}

function noise(    i) {
    for (i = 1; i <= row_count; i++) add_series("noise", series_of(rows[i], "glibc_again", "time", "glibc"))
    tell_noise("noise")
}

END {
    allocator_count = split(names, allocators, " ")
    if (table == "noise") noise()
    if (table == "targets" || table == "check") each_target()
    for (i = 1; i <= row_count; i++) {
        if (table == "people") people(rows[i])
        if (table == "memory")
            for (j = 1; j <= allocator_count; j++)
                if ((rows[i], allocators[j]) in has || allocators[j] !~ /^pinned/) memory(rows[i], allocators[j])
    }
}
