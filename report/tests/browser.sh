# shellcheck shell=bash
# browser.sh - controls a headless Chromium over its DevTools pipe: a message is JSON, ended by a
# NUL. Needs chromium, jq and base64. The browser ends with the script.

browser_there() { command -v chromium >/dev/null && command -v jq >/dev/null; }

# browser_start FOLDER: with its profile in FOLDER; its own messages go to FOLDER/chromium.log.
browser_start() {
    browser_number=0
    browser_events=$1/events
    : >"$browser_events"
    mkfifo "$1/to" "$1/from"
    chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-ipc-flooding-protection --remote-debugging-pipe \
        --user-data-dir="$1/profile" about:blank 3<"$1/to" 4>"$1/from" >"$1/chromium.log" 2>&1 &
    browser_pid=$!
    exec 5>"$1/to" 6<"$1/from"
    browser_session=''
    ask Target.createTarget '{"url": "about:blank"}' || return 1
    ask Target.attachToTarget "{\"targetId\": $(jq .result.targetId <<<"$answer"), \"flatten\": true}" || return 1
    browser_session=$(jq -r .result.sessionId <<<"$answer")
    ask Page.enable '{}' && ask Runtime.enable '{}' && ask Log.enable '{}' && ask Network.enable '{}'
}

browser_stop() {
    [[ -n ${browser_pid:-} ]] || return 0
    browser_session=''
    ask Browser.close '{}' || kill "$browser_pid" 2>/dev/null
    exec 5>&- 6<&-
    wait "$browser_pid" 2>/dev/null
    browser_pid=''
}

# ask METHOD PARAMETERS: leaves the answer in $answer, and appends the events before it to
# $browser_events.
ask() {
    local id=$((++browser_number)) session=''
    [[ -z $browser_session ]] || session=", \"sessionId\": \"$browser_session\""
    printf '{"id": %d, "method": "%s", "params": %s%s}\0' "$id" "$1" "$2" "$session" >&5
    while IFS= read -r -d '' -t 240 answer <&6; do
        if [[ $answer == "{\"id\":$id,"* ]]; then
            [[ $answer != *'"error":{'* ]] || { echo "$1: $answer" >&2; return 1; }
            return 0
        fi
        printf '%s\n' "$answer" >>"$browser_events"
    done
    echo "$1: no answer from chromium" >&2
    return 1
}

# evaluate SCRIPT: puts its value, as JSON, into $value; the value may be a promise.
evaluate() {
    ask Runtime.evaluate "$(jq -n --arg script "$1" '{expression: $script, returnByValue: true, awaitPromise: true}')" || return 1
    [[ $(jq '.result | has("exceptionDetails")' <<<"$answer") == false ]] || {
        jq -c .result.exceptionDetails <<<"$answer" >&2
        return 1
    }
    value=$(jq -c .result.result.value <<<"$answer")
}

# look WIDTH HEIGHT SCHEME: sets how the page is shown; SCHEME is light, dark or print.
look() {
    local media='' scheme=$3
    [[ $3 != print ]] || { media=print scheme=light; }
    ask Emulation.setDeviceMetricsOverride "{\"width\": $1, \"height\": $2, \"deviceScaleFactor\": 1, \"mobile\": $([[ $1 -lt 600 ]] && echo true || echo false)}" &&
        ask Emulation.setEmulatedMedia "{\"media\": \"$media\", \"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"$scheme\"}]}"
}

# visit FILE: opens it, and waits until it is loaded.
visit() {
    ask Page.navigate "{\"url\": $(jq -n --arg path "$1" '"file://" + $path')}" || return 1
    for _ in {1..300}; do
        evaluate 'document.readyState + location.protocol' || return 1
        [[ $value != '"completefile:"' ]] || return 0
        sleep 0.1
    done
    echo "$1: it is not loaded after 30 seconds" >&2
    return 1
}

# screenshot FILE [full]: of the visible part, or of the whole page.
screenshot() {
    ask Page.captureScreenshot "{\"captureBeyondViewport\": $([[ ${2:-} == full ]] && echo true || echo false)}" || return 1
    jq -r .result.data <<<"$answer" | base64 -d >"$1"
}

# complaints: errors and warnings of the page and the browser, and requests to the network, one per
# line.
complaints() {
    ask Runtime.evaluate '{"expression": "1"}' # events under way arrive before the answer
    jq -r 'if .method == "Runtime.exceptionThrown" then "exception: " + (.params.exceptionDetails | tostring)
        elif .method == "Runtime.consoleAPICalled" and (.params.type == "error" or .params.type == "warning") then "console: " + (.params.args | tostring)
        elif .method == "Log.entryAdded" and (.params.entry.level == "error" or .params.entry.level == "warning") then "log: " + .params.entry.text
        elif .method == "Network.requestWillBeSent" and (.params.request.url | test("^(file|data|about):") | not) then "request: " + .params.request.url
        else empty end' "$browser_events"
}

# browser_test BUILD: starts the browser, for a test that uses test_helpers.sh; screenshots go to
# $shots, which is kept.
# shellcheck disable=SC2154 # work is test_helpers.sh's
browser_test() {
    shots=$1/report/screenshots
    mkdir -p "$shots" "$work/browser"
    trap 'browser_stop; rm -rf "$work"' EXIT
    browser_start "$work/browser" || { echo "chromium does not start: $(tail -n 3 "$work/browser/chromium.log")"; exit 1; }
}

# fits WHAT: checks that the page is no wider than the window.
fits() {
    local wide window
    evaluate '[document.documentElement.scrollWidth, document.documentElement.clientWidth].join(" ")'
    read -r wide window <<<"${value//\"/}"
    check "$1: the page is $wide wide, the window $window" test "$wide" -le "$window"
}

# at_both_widths PAGE NAME JUDGE: checks that the page loads and fits on a phone and on a desktop,
# in light and in dark, and keeps its screenshots; at each width, then runs JUDGE WIDTH.
at_both_widths() {
    local size scheme
    for size in '390 844' '1280 900'; do
        for scheme in light dark; do
            # shellcheck disable=SC2086 # two words
            look $size $scheme
            check "$1 loads" visit "$1"
            fits "${size% *}, $scheme"
            screenshot "$shots/$2_${size% *}_$scheme.png"
        done
        "$3" "${size% *}"
    done
}
