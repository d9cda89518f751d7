# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# perl: hashes, sorting, substitution.
settings[perl]=$finer
can_perl() { has perl; }
case_perl() { PERL_HASH_SEED=0 "${under[@]}" perl "$inputs/perl.pl" <"$inputs/lines"; }
