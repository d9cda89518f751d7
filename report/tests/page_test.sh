#!/usr/bin/env bash
# page_test.sh BUILD SOURCE: results/report.html in a headless Chromium: it loads without errors,
# every cell opens, filters filter, limits move; on a phone, on a desktop, in dark mode, on paper
# and without script. The screenshots are kept in BUILD/report/screenshots.
set -uo pipefail
build=$1 source=$2
# shellcheck source=scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"
# shellcheck source=report/tests/browser.sh
. "$source/report/tests/browser.sh"
browser_there || { echo "page_test: skipped: needs chromium and jq (scripts/bootstrap.sh --all)"; exit 77; }

page=$work/report.html
check "the page" "$build/report/zk-report" --results "$source/results" --findings "$source/findings.tsv" --programs "$build/repro" \
    --sources "$source/repro" --out "$page"
browser_test "$build"
judge() {
    evaluate "$(<"$source/report/tests/click_report.js")" || fail "$1: the script of the test fails"
    checks=$((checks + 1))
    [[ $(jq ".wrong | length" <<<"$value") == 0 ]] || fail "$1: $(jq -c ".wrong[:10]" <<<"$value")"
    check "$1: cells: $value" test "$(jq .cells <<<"$value")" -eq "$((6 * $(tail -n +2 "$source/results/matrix.tsv" | wc -l)))"
    fits "$1, with all tables open"
}
at_both_widths "$page" report judge

# A limit is dragged with the mouse.
look 1280 900 light
visit "$page"
evaluate '(() => { const line = document.querySelector(".over .limit.c"); line.scrollIntoView(); const box = line.getBoundingClientRect();
    return [Math.round(box.left), 200, document.querySelector("input[type=number][name=c]").value].join(" "); })()'
read -r x y before <<<"${value//\"/}"
mouse() { ask Input.dispatchMouseEvent "{\"type\": \"$1\", \"x\": $2, \"y\": $y, \"button\": \"left\", \"clickCount\": 1}"; }
mouse mousePressed "$x" && mouse mouseMoved "$((x - 150))" && mouse mouseMoved "$((x - 300))" && mouse mouseReleased "$((x - 300))"
evaluate 'document.querySelector("input[type=number][name=c]").value + " " + document.querySelector(".above.c .bytes").textContent'
read -r after told <<<"${value//\"/}"
check "the line was dragged from $before to $after" test "$after" -lt "$before"
check "and the list below is of $after: $told" test "$told" -eq "$after"

# On paper, and without script: all tables are shown, and a cell opens by its address.
look 720 1000 print
visit "$page"
fits "on paper"
evaluate 'getComputedStyle(document.querySelector("nav.contents")).display'
check "on paper there is no bar of links: $value" test "$value" = '"none"'
screenshot "$shots/report_paper.png"
look 1280 900 light
ask Page.navigate '{"url": "about:blank"}'
ask Emulation.setScriptExecutionDisabled '{"value": true}'
visit "$page#cell-injector_block-none"
evaluate '[document.documentElement.classList.contains("js"), document.querySelectorAll("#findings-table tbody tr").length,
    getComputedStyle(document.getElementById("cell-injector_block-none")).display, getComputedStyle(document.querySelector(".tool")).display].join(" ")'
check "without script: $value" test "$value" = "\"false $(tail -n +2 "$source/findings.tsv" | wc -l) block none\""

check "no complaint of the browser: $(complaints | head -n 5)" test -z "$(complaints)"
echo "page_test: screenshots: $shots"
conclude page_test
