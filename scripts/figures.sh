#!/usr/bin/env bash
# figures.sh RESULTS: draws the existing tables of the bench: bench, cost, pairs and memory, each as
# SVG and PNG. If there are none, or if one of them is no table, nothing is drawn (exit status 3).
set -euo pipefail
name=figures
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 1 1 RESULTS "$@"
results=$1
want_folder "$results" 'run make bench'
command -v gnuplot >/dev/null || die "gnuplot is not installed: run scripts/bootstrap.sh --all"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw NAME WIDTH HEIGHT: runs the gnuplot commands on stdin, for both kinds of file. All figures
# look alike: the legend is in a strip of its own at the bottom, and holds for all panels.
draw() {
    local kind terminal
    cat - >"$work/commands"
    for kind in svg png; do
        terminal="svg size $2,$3 dynamic noenhanced font 'sans,13' background '#ffffff'"
        [[ $kind == svg ]] || terminal="pngcairo size $2,$3 noenhanced font 'sans,11' background '#ffffff'"
        {
            echo "set terminal $terminal"
            echo "set output '$work/$1.$kind'"
            cat <<COMMON
set datafile separator "\t"
set datafile missing "NA"
set border 3 linecolor '#555555'
set tics nomirror out textcolor '#333333'
set grid ytics linecolor '#dddddd' linetype 1
set key at screen 0.5, screen 0.015 bottom center horizontal Left reverse samplen 2 width 1
COMMON
            cat "$work/commands"
        } | gnuplot - 2>"$work/gnuplot" || die "$1: gnuplot fails: $(tail -3 "$work/gnuplot")"
    done
}

# panel LEFT RIGHT BOTTOM TOP: places the next panel, as fractions of the width and of the height.
panel() {
    printf 'set lmargin at screen %s; set rmargin at screen %s; set bmargin at screen %s; set tmargin at screen %s\n' "$@"
}

# Explains the names of the settings, in the legend.
names='blind, seed: zkalloc, blind recycling, MIN_BYTES 0 and 4096;  pinned_0, pinned: pinned, MIN_BYTES 0 and 4096'

# A line at 1, to which everything is compared.
at_one="set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead linecolor '#aa3333' linewidth 1 front"

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

# The workloads in the first column of a table, sorted by program and size, one per line.
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
set title "Time of a warm proof, relative to glibc in the same round (red line): median and quartiles; less is better"
COMMANDS
        echo "set label 9 \"$names;  pinned_huge: with huge pages;  static: buffers made before the clock starts, the limit\" at screen 0.5, screen 0.13 center font ',9' textcolor '#555555'"
        cat <<'COMMANDS'
set style data histogram
set style histogram errorbars gap 2 linewidth 1
set style fill solid noborder
set errorbars 0.4 front linecolor '#666666' linewidth 1
set yrange [0:1.2<*]
set ylabel "ratio to glibc"
set xtics scale 0
COMMANDS
        panel 0.06 0.99 0.24 0.92
        echo "$at_one"
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

# cost_columns WORKLOAD: for each MIN_BYTES its place; then, in percent of MIN_BYTES 0, its
# instructions, first-level misses and time (with the interval), and the share of the bytes that
# comes from system. Pinned is apart, at the end.
cost_columns() {
    awk -F'\t' -v OFS='\t' -v workload="$1" '
        function more(value, of) { return value == "NA" || !(of > 0) ? "NA" : 100 * (value / of - 1) }
        function ratio(name) { return $at[name] == "NA" ? "NA" : 100 * ($at[name] - 1) }
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $1 != workload { next }
        $2 == 0 { instructions = $at["instructions"]; misses = $at["d1_misses"] }
        {
            n += $2 == "pinned" ? 2 : 1
            print n, $2, more($at["instructions"], instructions), more($at["d1_misses"], misses), $at["moved_percent"], \
                ratio("median_ratio"), ratio("low"), ratio("high")
        }' "$results/cost.tsv"
}

draw_cost() {
    local workload i=0 plots=('' '' '' '') labels='' p column from='' last
    local colours=('#2e8b46' '#4a90c4' '#c98f4e' '#7b5aa6' '#aa3333' '#222222')
    local titles=("instructions: % more than at MIN_BYTES 0, counted" "first-level cache misses (simulated): % more, counted"
        "% of a proof's bytes that come from system" "time: % more than at MIN_BYTES 0, and the 95 % interval of its median")
    while read -r workload; do
        cost_columns "$workload" >"$work/cost.$i"
        last=$(tail -1 "$work/cost.$i" | cut -f1)
        [[ -n $labels ]] || labels=$(awk -F'\t' '{ printf "%s\"%s\" %d", (NR > 1 ? ", " : ""), $2, $1 }' "$work/cost.$i")
        for p in 0 1 2 3; do
            column=$((3 + p))
            from="'$work/cost.$i' using"
            [[ $p -lt 3 ]] || awk -F'\t' '$7 != "NA" { found = 1 } END { exit !found }' "$work/cost.$i" || continue
            plots[p]+="${plots[p]:+, }$from (stringcolumn(2) eq 'pinned' ? NaN : \$1):$column with lines linecolor '${colours[i % 6]}' linewidth 1.5 notitle"
            if [[ $p -lt 3 ]]; then
                plots[p]+=", $from 1:$column with points linecolor '${colours[i % 6]}' pointtype 7 pointsize 0.8"
            else
                plots[p]+=", $from (\$1 + ($i - 1.5) * 0.12):$column:7:8 with yerrorbars linecolor '${colours[i % 6]}' pointtype 7 pointsize 0.5"
            fi
            plots[p]+=" notitle"
            [[ $p -gt 0 ]] || plots[p]+=", NaN with linespoints linecolor '${colours[i % 6]}' linewidth 1.5 pointtype 7 title '$workload'"
        done
        i=$((i + 1))
    done < <(workloads_in "$results/cost.tsv")
    {
        echo "set xrange [0.4:$last.6]"
        echo 'set multiplot title "What routing costs a warm proof on one thread, by MIN_BYTES under blind recycling; and pinned, at its own 4096"'
        for p in 0 1 2 3; do
            case $p in
            0) panel 0.05 0.48 0.58 0.90 ;;
            1) panel 0.54 0.97 0.58 0.90 ;;
            2) panel 0.05 0.48 0.15 0.47 ;;
            3) panel 0.54 0.97 0.15 0.47 ;;
            esac
            echo "set title \"${titles[p]}\""
            echo "set xtics rotate by -45 font ',9' ($labels)"
            if [[ -n ${plots[p]} ]]; then
                echo "plot ${plots[p]}"
            else
                echo "set label 1 'not measured: run make bench' at graph 0.5, graph 0.5 center"
                echo 'plot [][-1:1] 2 notitle'
                echo 'unset label 1'
            fi
        done
        echo 'unset multiplot'
    } | draw cost 1300 860
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
    draw pairs 1200 680 <<COMMANDS
set logscale xy
set xtics ("64" 64, "1K" 1024, "4K" 4096, "64K" 65536, "1M" 1048576, "16M" 16777216)
set xlabel "bytes"
set ylabel "ns"
set yrange [1:*]
set label 9 "$names;  _linked: the same, linked into the program" at screen 0.5, screen 0.14 center font ',9' textcolor '#555555'
set multiplot title "A pair of malloc and free: ns by size"
$(panel 0.06 0.49 0.29 0.86)
set title "one thread"
plot ${plots[1]}
$(panel 0.56 0.99 0.29 0.86)
set title "each of two threads"
unset key
unset label 9
plot ${plots[2]}
unset multiplot
COMMANDS
}

# A panel for each ratio, with a line of points for each row: one point for each allocator, from
# left to right.
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
set bmargin 8
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
    } | draw memory 1300 $((240 + 24 * count))
}

columns_of() {
    case $1 in
    bench) echo workload allocator median_ratio_to_glibc low high ;;
    cost) echo workload min_bytes instructions d1_misses page_faults moved_percent median_ratio low high ;;
    pairs) echo size_bytes threads allocator ns ;;
    memory) echo row allocator time_to_glibc time_low time_high end_to_glibc peak_to_glibc ;;
    esac
}

drawn=() tables=()
for table in bench cost pairs memory; do
    [[ -e $results/$table.tsv ]] || continue
    # shellcheck disable=SC2046 # words
    want_table "$results/$table.tsv" 'run make bench' $(columns_of $table)
    tables+=("$table") drawn+=("$table.svg" "$table.png")
done
[[ ${#tables[@]} -gt 0 ]] || no_data "$results: none of bench.tsv, cost.tsv, pairs.tsv, memory.tsv: run make bench"
for table in "${tables[@]}"; do "draw_$table"; done
publish "${drawn[@]}"
echo "figures: $results: ${drawn[*]}" >&2
