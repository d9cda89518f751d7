# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# gnuplot: curves, a surface, text.
settings[gnuplot]=$finer
can_gnuplot() { has gnuplot; }
case_gnuplot() {
    awk 'BEGIN { for (i = 0; i < 500; i++) print i / 50 - 5, sin(i / 20) }' >points
    "${under[@]}" gnuplot "$inputs/gnuplot.gp"
}
