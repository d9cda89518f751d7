# quantile.awk - the median and the quartiles of a series, for the scripts that measure.

# Appends value to the series `key`.
function add(key, value) { series[key, ++length_of[key]] = value; is_sorted[key] = 0 }

# Heapsort: a series may have 100,000 values.
function sort_series(key,    i, value) {
    for (i = int(length_of[key] / 2); i >= 1; i--) sift_down(key, i, length_of[key])
    for (i = length_of[key]; i > 1; i--) {
        value = series[key, i]
        series[key, i] = series[key, 1]
        series[key, 1] = value
        sift_down(key, 1, i - 1)
    }
    is_sorted[key] = 1
}

# Lets the value at `from` sink below the larger ones of the heap that ends at `last`.
function sift_down(key, from, last,    child, value) {
    value = series[key, from]
    while ((child = 2 * from) <= last) {
        if (child < last && series[key, child + 1] > series[key, child]) child++
        if (series[key, child] <= value) break
        series[key, from] = series[key, child]
        from = child
    }
    series[key, from] = value
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
