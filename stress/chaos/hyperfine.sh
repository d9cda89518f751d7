# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# hyperfine: Rust, and it starts other programs.
settings[hyperfine]=$finer
can_hyperfine() { has hyperfine; }
case_hyperfine() {
    "${under[@]}" hyperfine --style none --warmup 1 --runs 5 --ignore-failure --export-json times.json \
        true "sort $inputs/perl.pl" 'exit 3' >/dev/null
    local status=$?
    grep -E '"command"|^ *[0-9]+,?$' times.json # names and exit codes; the rest are times
    rm -f times.json
    return $status
}
