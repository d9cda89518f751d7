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

# The value below which the fraction lies, between neighbours interpolated; "NA" of an empty series.
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
