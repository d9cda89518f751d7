# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# ruby: threads, fibers and ractors; its collector at every allocation, and compacting; with its JIT
# compiler, if it has one.
can_ruby() { has ruby; }
case_ruby() {
    local compiled=()
    ! ruby --yjit -e '' 2>/dev/null || compiled=(--yjit --yjit-call-threshold=2)
    "${under[@]}" ruby -W0 --disable-gems "$inputs/ruby.rb" "$((lines / 1000))" &&
        "${under[@]}" ruby -W0 --disable-gems "${compiled[@]}" "$inputs/ruby.rb" "$((lines / 2000))"
}
