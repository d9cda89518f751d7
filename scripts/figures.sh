#!/usr/bin/env bash
# figures.sh RESULTS: draws the tables of the bench that are there: bench, cost, pairs and memory, each as SVG and PNG.
set -euo pipefail
results=${1:?want RESULTS}
command -v gnuplot >/dev/null || { echo "figures: gnuplot is not installed: run scripts/bootstrap.sh --all" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw NAME WIDTH HEIGHT: the gnuplot commands on stdin, for both kinds of file.
draw() {
    local kind terminal
    cat - >"$work/commands"
    for kind in svg png; do
        terminal="svg size $2,$3 dynamic noenhanced font 'sans,13' background '#ffffff'"
        [[ $kind == svg ]] || terminal="pngcairo size $2,$3 noenhanced font 'sans,11' background '#ffffff'"
        {
            echo "set terminal $terminal"
            echo "set output '$work/$1.$kind'"
            cat <<'COMMON'
set datafile separator "\t"
set datafile missing "NA"
set border 3 linecolor '#555555'
set tics nomirror out textcolor '#333333'
set grid ytics linecolor '#dddddd' linetype 1
COMMON
            cat "$work/commands"
        } | gnuplot - || { echo "figures: $1: gnuplot fails" >&2; exit 2; }
        chmod 644 "$work/$1.$kind"
        cp "$work/$1.$kind" "$results/.$1.$kind"
        mv "$results/.$1.$kind" "$results/$1.$kind"
    done
    echo "figures: $results/$1.svg, $results/$1.png" >&2
}

# The peers in grey and brown, the arena in blue (blind) and green (pinned), the limit in black.
allocators=(glibc_again glibc_tuned mimalloc jemalloc tcmalloc blind seed pinned_0 pinned pinned_huge static)
colour_of() {
    case $1 in
    glibc | glibc_again) echo '#d0d0d0' ;; glibc_tuned) echo '#a0a0a0' ;; mimalloc) echo '#e3c08d' ;;
    jemalloc) echo '#c98f4e' ;; tcmalloc) echo '#8c5a2b' ;; blind | blind_linked) echo '#9ecae1' ;;
    seed) echo '#4a90c4' ;; pinned_0) echo '#b5dfae' ;; pinned) echo '#2e8b46' ;;
    pinned_huge | pinned_linked) echo '#6cbf73' ;; *) echo '#222222' ;;
    esac
}

# The workloads by program and size, one a line; of a table whose first column they are.
workloads_in() { tail -n +2 "$1" | cut -f1 | LC_ALL=C sort -u | LC_ALL=C sort -t- -k1,1 -k2,2n; }

# A line for each workload: ratio, low and high of each allocator in turn.
bench_columns() {
    workloads_in "$results/bench.tsv" | awk -F'\t' -v names="${allocators[*]}" -v table="$results/bench.tsv" '
        BEGIN {
            while ((getline line < table) > 0) { split(line, f, "\t"); cell[f[1], f[2]] = f[3] "\t" f[4] "\t" f[5] }
            n = split(names, name, " ")
        }
        {
            printf "%s", $1
            for (i = 1; i <= n; i++) printf "\t%s", ($1, name[i]) in cell ? cell[$1, name[i]] : "NA\tNA\tNA"
            print ""
        }'
}

draw_bench() {
    local i column count
    bench_columns >"$work/bench"
    count=$(wc -l <"$work/bench")
    {
        cat <<'COMMANDS'
set title "Time of a warm proof, relative to glibc in the same round (median and quartiles; less is better)"
set style data histogram
set style histogram errorbars gap 2 linewidth 1
set style fill solid noborder
set errorbars 0.4 front linecolor '#666666' linewidth 1
set yrange [0:1.2<*]
set xtics scale 0
set key outside bottom center horizontal
set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor '#aa3333' linewidth 1 front
COMMANDS
        echo "set xrange [-0.6:$count - 0.4]"
        printf 'plot '
        for i in "${!allocators[@]}"; do
            column=$((2 + 3 * i))
            printf "%s'%s' using %d:%d:%d%s title '%s' linecolor '%s'" "$([[ $i -eq 0 ]] || echo ', ')" "$work/bench" \
                $column $((column + 1)) $((column + 2)) "$([[ $i -gt 0 ]] || echo ':xtic(1)')" "${allocators[i]}" \
                "$(colour_of "${allocators[i]}")"
        done
        echo
    } | draw bench $((300 + 150 * (count < 3 ? 3 : count))) 560
}

# MIN_BYTES 0 has a place on the logarithmic axis left of 64, and pinned has one at the right end.
draw_cost() {
    local workload i=0
    local colours=('#2e8b46' '#4a90c4' '#c98f4e' '#7b5aa6' '#aa3333' '#222222')
    local ratios='' moved=''
    while read -r workload; do
        awk -F'\t' -v OFS='\t' -v workload="$workload" '$1 == workload {
            x = $2 == 0 ? 32 : $2 == "pinned" ? 160000 : $2
            print x, $3, $4, $5, $7, $2 == "pinned" }' "$results/cost.tsv" >"$work/cost.$i"
        ratios+="${ratios:+, }'$work/cost.$i' using (\$6 > 0 ? NaN : \$1):2 with lines linecolor '${colours[i % 6]}' linewidth 2 notitle"
        ratios+=", '' using 1:2:3:4 with yerrorbars linecolor '${colours[i % 6]}' pointtype 7 pointsize 0.6 notitle"
        moved+="${moved:+, }'$work/cost.$i' using (\$6 > 0 ? NaN : \$1):5 with linespoints linecolor '${colours[i % 6]}' linewidth 2 pointtype 7 pointsize 0.6 title '$workload'"
        i=$((i + 1))
    done < <(workloads_in "$results/cost.tsv")
    draw cost 1000 760 <<COMMANDS
set logscale x 2
set xrange [26:200000]
set xtics rotate by -40 ("0" 32, "64" 64, "128" 128, "256" 256, "512" 512, "1K" 1024, "1521" 1521, "2K" 2048, "4K" 4096, "8K" 8192, "16K" 16384, "49153" 49153, "72705" 72705, "pinned" 160000)
set lmargin 10
set multiplot layout 2,1
set key top left
set title "What routing costs: time of a warm proof under blind recycling, relative to MIN_BYTES 0 (median and quartiles)"
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead linecolor '#aaaaaa'
plot $ratios
unset arrow 1
set title "What routing moves: share of a proof's bytes that comes from system"
set xlabel "MIN_BYTES"
set ylabel "%"
set yrange [0:*]
plot $moved
unset multiplot
COMMANDS
}

draw_pairs() {
    local allocator threads plots=('' '' '')
    for threads in 1 2; do
        for allocator in glibc "${allocators[@]:1:5}" pinned_0 pinned blind_linked pinned_linked; do
            awk -F'\t' -v OFS='\t' -v threads=$threads -v name="$allocator" \
                '$2 == threads && $3 == name && $4 != "NA" { print $1, $4 }' "$results/pairs.tsv" >"$work/pairs.$allocator.$threads"
            [[ -s $work/pairs.$allocator.$threads ]] || continue
            plots[threads]+="${plots[threads]:+, }'$work/pairs.$allocator.$threads' using 1:2 with linespoints linecolor '$(colour_of "$allocator")'"
            plots[threads]+=" linewidth 2 pointsize 0.7 pointtype $([[ $allocator == *_linked ]] && echo 4 dashtype 2 || echo 7) title '$allocator'"
        done
    done
    draw pairs 1200 560 <<COMMANDS
set logscale xy
set xtics ("64" 64, "1K" 1024, "4K" 4096, "64K" 65536, "1M" 1048576, "16M" 16777216)
set xlabel "bytes"
set ylabel "ns"
set yrange [1:*]
set key top left maxrows 6 font ",9"
set multiplot layout 1,2
set title "malloc and free, one thread"
plot ${plots[1]}
set title "malloc and free, each of two threads"
plot ${plots[2]}
unset multiplot
COMMANDS
}


# A panel for each ratio, a line of points for each row: one for each allocator, from the left to the right.
draw_memory() {
    local panel allocator column rows count plots=('' '' '')
    local blanks margins=(0.13 0.41 0.42 0.70 0.71 0.99) title=("time" "resident at the end" "resident at the peak")
    local shown=(glibc_tuned mimalloc jemalloc tcmalloc blind pinned_0 pinned)
    rows=$(workloads_in "$results/memory.tsv" | awk '{ printf "%s\"%s\" -%d", sep, $1, NR; sep = ", " }')
    count=$(workloads_in "$results/memory.tsv" | wc -l)
    blanks=$(awk -v n="$count" 'BEGIN { for (i = 1; i <= n; i++) printf "%s\"\" -%d", (i > 1 ? ", " : ""), i }')
    for panel in 0 1 2; do
        column=$((3 + 3 * panel))
        for allocator in "${shown[@]}"; do
            workloads_in "$results/memory.tsv" | awk -F'\t' -v OFS='\t' -v name="$allocator" -v column=$column \
                -v table="$results/memory.tsv" '
                BEGIN { while ((getline line < table) > 0) { split(line, f, "\t"); if (f[2] == name) cell[f[1]] = f[column] OFS f[column + 1] OFS f[column + 2] } }
                function held(x) { return x < 0.045 ? 0.045 : x > 55 ? 55 : x }
                ($1 in cell) && cell[$1] !~ /^NA/ { split(cell[$1], f, "\t"); print -NR, held(f[1]), held(f[2]), held(f[3]) }' >"$work/memory.$allocator.$panel"
            [[ -s $work/memory.$allocator.$panel ]] || continue
            plots[panel]+="${plots[panel]:+, }'$work/memory.$allocator.$panel' using 2:1:3:4 with xerrorbars"
            plots[panel]+=" linecolor '$(colour_of "$allocator")' pointtype 7 pointsize 0.9 $([[ $panel -eq 1 ]] && echo "title '$allocator'" || echo notitle)"
        done
    done
    {
        cat <<COMMANDS
set logscale x
set yrange [-$count.7:-0.3]
set xrange [0.04:60]
set grid xtics ytics linecolor '#dddddd' linetype 1
set xtics ("1/16" 0.0625, "1/4" 0.25, "1" 1, "4" 4, "16" 16)
set ytics ($rows)
set tmargin 4
set bmargin 6
set key at screen 0.75, 0.01 bottom right horizontal maxrows 2 font ",10"
set multiplot title "Lifetimes: relative to glibc in the same round (median and quartiles; less is better; what is off the scale stands at its end)"
COMMANDS
        for panel in 0 1 2; do
            echo "set lmargin at screen ${margins[2 * panel]}; set rmargin at screen ${margins[2 * panel + 1]}"
            echo "set title '${title[panel]}'"
            echo "set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead linecolor '#aa3333'"
            echo "plot ${plots[panel]:-NaN notitle}"
            echo "set ytics ($blanks)"
        done
        echo 'unset multiplot'
    } | draw memory 1300 $((190 + 24 * count))
}

for table in bench cost pairs memory; do
    [[ ! -s $results/$table.tsv ]] || "draw_$table"
done
