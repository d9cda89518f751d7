#!/usr/bin/env bash
# costs_test.sh BUILD SOURCE: what a MIN_BYTES costs is printed with the recommendation, from the
# bench's table: in counts; and in time only what the table's intervals distinguish from noise. A
# file that is no such table is refused.
set -uo pipefail
sweep=$1/sweep/zk-sweep
# shellcheck source=../../scripts/test_helpers.sh
. "$2/scripts/test_helpers.sh"

# costs ROWS: a table, of workload min_bytes instructions d1_misses page_faults moved_percent ratio low high
costs() {
    printf 'workload\tmin_bytes\tll_misses\tinstructions\td1_misses\tpage_faults\tmoved_percent\tmedian_ratio\tlow\thigh\n' >"$work/cost.tsv"
    awk -v OFS='\t' '{ print $1, $2, 77, $3, $4, $5, $6, $7, $8, $9 }' <<<"$1" >>"$work/cost.tsv"
}
injector() { "$sweep" --only injector_block --profile route --costs "$work/cost.tsv"; } # recommends 1521
epoch() { "$sweep" --only epoch_bags --profile route --costs "$work/cost.tsv"; }        # recommends 2073
control() { "$sweep" --only guard_escape --profile system --costs "$work/cost.tsv"; }

noise='fri 0 1000000 1000 7 0 1.000 1.000 1.000
fri 1521 1010100 1000 7 0.25 1.010 0.980 1.040
fri 4096 1034000 1200 9 1.5 1.034 0.990 1.046
fri pinned 996000 990 7 NA 0.996 0.970 1.020
sum 0 500 10 0 0 1.000 1.000 1.000
sum 1521 500 11 0 9 1.001 0.999 1.021
sum 4096 501 10 0 9.5 1.001 0.999 1.021
sum pinned 500 10 3 9.5 1.001 0.999 1.021'
costs "$noise"
want 0 '^ +1521 +[+]1[.]01 % [(]0[.]25[)] +[+]0[.]00 % [(]9[.]00[)]$' injector
want 0 '^ +pinned +-0[.]40 % +[+]0[.]00 % [(]9[.]50[)]$' injector
want 0 '^MIN_BYTES 1521 costs at most [+]1[.]01 % of the instructions of blind at 0 [(]fri, counted at 1521[)],$' injector
want 0 '^[+]10[.]00 % of its cache misses [(]first level, sum[)], [+]0 page faults a proof [(]fri[)]; in time no cost that can be told from noise [(][+]-4[.]0 %[)][.]$' injector
# Between two measured MIN_BYTES, the larger one decides.
want 0 '^MIN_BYTES 2073 costs at most [+]3[.]40 % .*[(]fri, counted at 4096[)]' epoch
want 0 '^[+]20[.]00 % of its cache misses [(]first level, fri[)], [+]2 page faults' epoch
want 0 '^Pinned instead.*at most [+]0[.]00 % of the instructions of blind at 0 [(]sum[)],$' injector
want 0 '[+]3 page faults a proof [(]sum[)]; in time no cost .*[+]-2[.]1 %' injector

# An interval wholly above 1 is a cost, even if another workload's reaches higher but includes 1.
costs "$(sed 's/^sum 1521 .*/sum 1521 500 11 0 9 1.010 1.002 1.021/' <<<"$noise")"
want 0 'in time [+]1[.]0 % [(][+]0[.]2 [.][.] [+]2[.]1; sum[)][.]$' injector
# With too few rounds there is no interval.
costs "$(sed 's/ [0-9.]* [0-9.]*$/ NA NA/' <<<"$noise")"
want 0 'in time: not measured often enough to tell[.]$' injector

# Files that are no table of costs, and rows that do not belong into one.
want 2 'none.tsv: .*make bench' "$sweep" --only guard_escape --profile system --costs "$work/none.tsv"
for row in 'fri 0' 'fri 0 NA 1 1 1 1 1 1' 'fri 0 1 x 1 1 1 1 1' 'fri 0 1 nan 1 1 1 1 1' 'fri -1 1 1 1 1 1 1 1' 'fri 4K 1 1 1 1 1 1 1'; do
    costs "$row"
    want 2 'line 2: not a row of costs' control
done
: >"$work/cost.tsv"
want 2 'no rows' control
printf 'workload\tmin_bytes\tmedian_ratio\tlow\thigh\tmoved_bytes\tmoved_percent\nfri\t0\t1\t1\t1\t1\t1\n' >"$work/cost.tsv"
want 2 'not a table of costs' control # the table of older versions, which only timed
more=$(printf "\tmore%.0s" {1..23}) # 33 columns, one more than are read
costs "$noise"
sed -i "1s/\$/$more/" "$work/cost.tsv"
want 2 'not a table of costs' control
conclude costs_test
