# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# php: with its own pools, and with malloc for everything; with Debian's extensions, and with its
# JIT compiler.
can_php() { has php; }
case_php() {
    local php=("${under[@]}" php -n -d memory_limit=-1)
    "${php[@]}" "$inputs/php.php" "$((lines / 40))" && USE_ZEND_ALLOC=0 "${php[@]}" "$inputs/php.php" "$((lines / 40))"
}
can_php_plugins() { has php && [[ $(php -m 2>/dev/null) == *'[Zend Modules]'*OPcache* ]]; }
case_php_plugins() {
    USE_ZEND_ALLOC=0 "${under[@]}" php -d memory_limit=-1 -d opcache.enable_cli=1 -d opcache.jit=tracing \
        -d opcache.jit_buffer_size=16M "$inputs/php.php" "$((lines / 40))"
}
