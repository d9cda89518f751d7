# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# bash: arrays, expansions, subshells, here documents.
settings[bash]=$finer
can_bash() { has bash; }
case_bash() { "${under[@]}" bash "$inputs/bash.input" "$((lines / 100))"; }
