# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# node: V8, libuv's pool, worker threads.
can_node() { has node; }
case_node() { NODE_OPTIONS='' "${under[@]}" node --max-old-space-size=256 "$inputs/node.mjs" "$((lines / 1000))"; }
