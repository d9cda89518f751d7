# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# ruby: threads, fibers and ractors; its collector at every allocation, and moving objects; compiled while it runs.
can_ruby() { has ruby; }
case_ruby() {
    "${under[@]}" ruby -W0 --disable-gems "$inputs/ruby.rb" "$((lines / 1000))" &&
        "${under[@]}" ruby -W0 --disable-gems --mjit-wait --mjit-min-calls=1000 -e '
            def f(n) = n < 2 ? n : f(n - 1) + f(n - 2)
            puts f(16), [3, 1, 2].sort_by { -_1 }.inspect'
}
