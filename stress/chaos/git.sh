# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# git: this project's history, cloned, repacked with two threads, read back.
settings[git]=$finer
can_git() { has git && git -c safe.directory='*' -C "$project" rev-parse HEAD &>/dev/null; }
prepare_git() { # another user may own the project's folder
    git config --global safe.directory '*' && git clone -q --bare "$project" "$inputs/repository"
}
case_git() {
    local git=("${under[@]}" git -c pack.threads=2 -c gc.auto=0 -c advice.detachedHead=false -c safe.directory='*')
    "${git[@]}" clone -q --no-local --no-hardlinks "$inputs/repository" clone &&
        "${git[@]}" -C clone gc -q --prune=now && "${git[@]}" -C clone fsck --full --strict --no-progress &&
        "${git[@]}" -C clone rev-list --all --objects && "${git[@]}" -C clone log --stat --format=%H -n 50 &&
        "${git[@]}" -C clone archive -o ../archive.tar HEAD
    local status=$?
    rm -rf clone
    return $status
}
