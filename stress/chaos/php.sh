# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# php: with its own pools; with malloc for everything; compiled while it runs.
can_php() { has php; }
case_php() {
    local php=("${under[@]}" php -d memory_limit=-1 -d pcre.jit=1)
    "${php[@]}" "$inputs/php.php" "$((lines / 40))" && USE_ZEND_ALLOC=0 "${php[@]}" "$inputs/php.php" "$((lines / 40))" &&
        USE_ZEND_ALLOC=0 "${php[@]}" -d opcache.enable_cli=1 -d opcache.jit=tracing -d opcache.jit_buffer_size=16M \
            "$inputs/php.php" "$((lines / 40))"
}
