# costs.awk - what each MIN_BYTES costs according to cost.tsv, compared with MIN_BYTES 0 of the same
# workload; for the scripts that judge it.
#
#     dearest, dear    how much the instructions grow where they grow most, as a ratio; in which workload
#     slowest, slow    the same of the time, where it certainly grows: the low end of its interval
#     slower           all workloads whose time certainly grows
#     widest           how much a time would have to grow to be distinguished from noise
#     untimed          the workloads that have no interval

function number(text) { return text ~ /^[0-9]+([.][0-9]+)?$/ }

function listed(list, item, between) { return list (list == "" ? "" : between) item }

function read_costs(file,    line, f, column, i, n, ratio, low, high, base) {
    while ((getline line < file) > 0) {
        n = split(line, f, "\t")
        if (!("workload" in column)) { for (i = 1; i <= n; i++) column[f[i]] = i; continue }
        if (!number(f[column["instructions"]])) continue
        if (f[2] == 0) base[f[1]] = f[column["instructions"]]
        if (!(f[1] in base)) continue
        ratio = f[column["instructions"]] / base[f[1]]
        if (!(f[2] in dearest) || ratio > dearest[f[2]]) { dearest[f[2]] = ratio; dear[f[2]] = f[1] }
        low = f[column["low"]]; high = f[column["high"]]
        if (!number(low) || !number(high)) { untimed[f[2]] = listed(untimed[f[2]], f[1], " and "); continue }
        if (low > 1) slower[f[2]] = listed(slower[f[2]], f[1], ", ")
        if (low > slowest[f[2]] + 0) { slowest[f[2]] = low + 0; slow[f[2]] = f[1] }
        if (high > widest[f[2]] + 0) widest[f[2]] = high + 0
    }
}

# The text for "none is certainly slower", if all are timed.
function not_told(min_bytes) {
    return "no time that can be told from noise (+-" sprintf("%.1f", widest[min_bytes] > 1 ? 100 * (widest[min_bytes] - 1) : 0) " %)"
}
