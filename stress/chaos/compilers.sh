# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# gcc, clang: this project's sources; cmake and ninja: this project.
compile() {
    local source
    for source in arena/slab arena/recycle audit/census; do
        "${under[@]}" "$1" -std=gnu11 -O2 -g -fPIE -D_GNU_SOURCE '-DZK_TLS_MODEL="local-exec"' \
            -I"$inputs/project/alloc/include" -I"$inputs/project/alloc/"{os,arena,audit} \
            -c "$inputs/project/alloc/$source.c" -o "${source##*/}.o" || return
    done
}
settings[gcc]=$finer
can_gcc() { has gcc; }
case_gcc() { compile gcc; }
settings[clang]=$finer
can_clang() { has clang; }
case_clang() { compile clang; }

settings[cmake_ninja]=$finer
can_cmake_ninja() { has cmake ninja; }
case_cmake_ninja() {
    "${under[@]}" cmake -S "$inputs/project" -B b -G Ninja >/dev/null && "${under[@]}" ninja -C b -j2 zkalloc >/dev/null
    local status=$?
    mv b/alloc/libzkalloc.a . && rm -rf b
    return $status
}
