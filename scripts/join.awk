# join.awk - joins several tables by their first two columns; -v columns="the wanted columns". A
# cell comes from the first table that has it and where it is not NA; if there is none, it is NA.
# The rows are those of the first table.

BEGIN { FS = OFS = "\t"; wanted = split(columns, column, " ") }

FNR == 1 {
    file++
    delete place
    for (i = 3; i <= NF; i++) place[$i] = i
    if (file == 1) header = $1 OFS $2
    next
}

{
    key = $1 OFS $2
    if (file == 1) order[++rows] = key
    for (i = 1; i <= wanted; i++)
        if ((column[i] in place) && $place[column[i]] != "NA" && !((key, column[i]) in cell)) cell[key, column[i]] = $place[column[i]]
}

END {
    for (i = 1; i <= wanted; i++) header = header OFS column[i]
    print header
    for (r = 1; r <= rows; r++) {
        line = order[r]
        for (i = 1; i <= wanted; i++) line = line OFS ((order[r], column[i]) in cell ? cell[order[r], column[i]] : "NA")
        print line
    }
}
