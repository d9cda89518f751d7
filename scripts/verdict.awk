# verdict.awk - what the tables of the bench say about a series: its quartiles, whether it meets a
# target, and whether the machine can tell. To be loaded after quantile.awk.

function quartiles(key) {
    return shown(median(key), "%.3f") OFS shown(quantile(key, 0.25), "%.3f") OFS shown(quantile(key, 0.75), "%.3f")
}

# Judged by the rounded numbers that are shown. A value beyond its limit whose quartiles reach to
# the other side of the limit cannot be distinguished from one that meets it.
function verdict(key, least, most,    value) {
    value = shown(median(key), "%.3f")
    if (value == "NA") return "NA"
    if (value + 0 >= least && value + 0 <= most) return "met"
    return quantile(key, 0.75) >= least && quantile(key, 0.25) <= most ? "within noise" : "missed"
}

# Appends the series `key` to another.
function add_series(to, key,    i) {
    for (i = 1; i <= length_of[key]; i++) add(to, series[key, i])
}

# Do glibc and glibc again, whose ratios the series holds, differ by more than the differences that
# the bench is to find?
function noisy(key) {
    return median(key) < 0.93 || median(key) > 1.07 || quantile(key, 0.25) < 0.85 || quantile(key, 0.75) > 1.15
}

# Prints a line if they do.
function tell_noise(key) {
    if (median(key) == "NA") print "glibc was not measured against itself"
    else if (noisy(key))
        printf "this machine is too noisy: glibc takes %.3f (%.3f..%.3f) of its own time, want 0.93..1.07 (0.85..1.15)\n", \
            median(key), quantile(key, 0.25), quantile(key, 0.75)
}
