# quantile.awk - the median and the quartiles of a series, for the scripts that measure.

# Appends value to the series `key`.
function add(key, value) { series[key, ++length_of[key]] = value; is_sorted[key] = 0 }

function sort_series(key,    i, j, value) {
    for (i = 2; i <= length_of[key]; i++) {
        value = series[key, i]
        for (j = i - 1; j >= 1 && series[key, j] > value; j--) series[key, j + 1] = series[key, j]
        series[key, j + 1] = value
    }
    is_sorted[key] = 1
}

# The quantile at fraction, interpolated between neighbours; "NA" for an empty series.
function quantile(key, fraction,    place, below) {
    if (length_of[key] == 0) return "NA"
    if (!is_sorted[key]) sort_series(key)
    place = 1 + fraction * (length_of[key] - 1)
    below = int(place)
    if (below == length_of[key]) return series[key, below]
    return series[key, below] + (place - below) * (series[key, below + 1] - series[key, below])
}

function median(key) { return quantile(key, 0.5) }

function shown(value, format) { return value == "NA" ? "NA" : sprintf(format, value) }

# The 95 % confidence interval of the median of the distribution from which the series is a sample,
# whatever that distribution is: from its k-th smallest value to its k-th largest. At most k-1 of n
# values are below the median with the same probability as that of at most k-1 heads in n throws of
# a coin; k is the largest for which that is 2.5 % or less. Fewer than 6 values have no such
# interval.
function interval_rank(n,    k, term, sum) {
    term = 0.5 ^ n
    sum = term
    for (k = 0; sum <= 0.025 && k < n; k++) {
        term *= (n - k) / (k + 1)
        sum += term
    }
    return k
}

function interval_low(key,    k) {
    k = interval_rank(length_of[key])
    if (k == 0) return "NA"
    if (!is_sorted[key]) sort_series(key)
    return series[key, k]
}

function interval_high(key,    k) {
    k = interval_rank(length_of[key])
    if (k == 0) return "NA"
    if (!is_sorted[key]) sort_series(key)
    return series[key, length_of[key] + 1 - k]
}
