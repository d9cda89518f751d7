# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# vim: on a terminal of its own, on which it draws; the files that it writes are compared.
can_vim() { has vim script && vim --version | grep -q +eval; }
case_vim() {
    local size='stty rows 40 cols 100; '
    INPUTS=$inputs TERM=xterm-256color SHELL=/bin/sh "${under[@]}" \
        script -qec "$size vim -u NONE -N -n -i NONE -S $inputs/vim.vim" /dev/null >/dev/null </dev/null
    local status=$?
    rm -f ./.*.un~ # undo files contain times
    return $status
}
