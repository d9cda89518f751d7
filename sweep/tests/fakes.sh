# shellcheck shell=bash
# fakes.sh - fake repros for tests of zk-sweep itself: programs that print at once what they are
# told to.
# shellcheck disable=SC2154 # test_helpers.sh has made the folder
fakes=$work/fakes
mkdir "$fakes"
# fake NAME [COMMANDS]: a repro of that name. COMMANDS see $profile, $min_bytes, $timeout, $audit, and set $retained and $outcome (first
# "clean", or "corrupt" below MIN_BYTES 1000 in profile route). Each call's arguments become a line
# of $work/calls.
fake() {
    cat >"$fakes/$1" <<END
#!/usr/bin/env bash
name=$1 work=$work
END
    cat >>"$fakes/$1" <<'END'
if [[ $1 == --describe ]]; then
    printf 'slug\t%s\nclaim\tNA\nthreads\t2\n' "$name"
    for profile in none flush route seed pinned system; do printf 'expect\t%s\tclean,corrupt,hang\n' $profile; done
    exit
fi
echo "$name $*" >>"$work/calls"
profile='' min_bytes='' timeout=0 audit=off
while (($#)); do
    case $1 in
    --profile) profile=$2 ;;
    --min-bytes) min_bytes=$2 ;;
    --timeout) timeout=$2 ;;
    --audit) audit=$2 ;;
    esac
    shift
done
[[ -n $min_bytes ]] || { min_bytes=0; [[ $profile == route || $profile == seed ]] && min_bytes=4096; }
outcome=clean retained=NA
[[ $profile == route && $min_bytes -lt 1000 ]] && outcome=corrupt
END
    cat >>"$fakes/$1" <<END
${2:-:}
END
    cat >>"$fakes/$1" <<'END'
printf '%s\t%s\t%s\t%s\t10\t0\tNA\t0\t0\t%s\tnothing\n' "$name" "$profile" "$min_bytes" "$outcome" "$retained"
END
    chmod +x "$fakes/$1"
}
