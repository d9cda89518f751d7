# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# xz, sort, tar: large buffers and threads; many small names.
settings[xz]=$finer
can_xz() { has xz; }
case_xz() {
    "${under[@]}" xz -T2 -3 --block-size=300000 -c "$inputs/lines" >packed.xz && "${under[@]}" xz -T2 -dc packed.xz
}

settings[sort]=$finer
can_sort() { has sort; }
case_sort() { "${under[@]}" sort --parallel=2 -S 500K -k1.3 "$inputs/lines"; }

settings[tar]=$finer
can_tar() { has tar; }
case_tar() {
    "${under[@]}" tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$inputs/project" -cf all.tar . &&
        "${under[@]}" tar -tvf all.tar && mkdir out && "${under[@]}" tar -C out -xf all.tar
}
