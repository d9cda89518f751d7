# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# R: numbers, models, strings; for a while, its collector runs at every 200th allocation.
can_R() { has Rscript; }
case_R() { "${under[@]}" Rscript --vanilla "$inputs/R.R" "$((lines / 200))"; }
