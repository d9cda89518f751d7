# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# R: numbers, models, strings, with its collector at every two hundredth allocation for a while.
can_R() { has Rscript; }
case_R() { "${under[@]}" Rscript --vanilla "$inputs/R.R" "$((lines / 200))"; }
