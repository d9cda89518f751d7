# kinds.awk - are the warm times those of one kind of work? Reads lines of several runs: the place of
# an entry in its run, and the time from there to the next. Prints how many times as long as the
# shortest the longest takes, if the work is of several kinds; else nothing. To be loaded after
# quantile.awk.
#
# It is if two things are so. Less than half of the time is spent in entries that take about as long
# as the median (half to twice of it): then the median tells little about the whole. And nine times
# in ten an entry takes about as long as in the other runs, where those that take long count for
# more: so it is not noise, nor chance, as where several threads enter.

{ add("place " $1, $2); place[$1] }

# The median, or of the two in the middle the smaller: a time that was measured.
function middle(key) {
    median(key) # sorts
    return series[key, int((length_of[key] + 1) / 2)]
}

function alike(one, other) { return one <= 2 * other && other <= 2 * one }

END {
    for (at in place) {
        key = "place " at
        if (length_of[key] < 3) continue
        typical = middle(key)
        add("typical", typical)
        for (i = 1; i <= length_of[key]; i++) {
            measured += typical
            if (alike(series[key, i], typical)) repeated += typical
        }
    }
    count = length_of["typical"]
    if (count < 3) exit
    center = middle("typical")
    for (i = 1; i <= count; i++) {
        whole += series["typical", i]
        if (alike(series["typical", i], center)) near += series["typical", i]
    }
    if (near < whole / 2 && repeated > measured * 0.9 && series["typical", 1] > 0)
        printf "%.0f\n", series["typical", count] / series["typical", 1]
}
