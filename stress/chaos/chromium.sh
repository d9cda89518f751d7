# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# chromium: a page with workers, a frame, compiled code and drawing; the resulting page is compared.
# Chromium's own malloc takes precedence over a preloaded one, so this tests that the two coexist in
# all of its processes.
chromium=$(command -v chromium || command -v chromium-headless-shell)
can_chromium() { [[ -n $chromium ]]; }
case_chromium() {
    local to from target session
    mkfifo "$scratch/to" "$scratch/from"
    exec {to}<>"$scratch/to" {from}<>"$scratch/from"
    serve "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --no-pings \
        --disable-breakpad --disable-crash-reporter --disable-background-networking --disable-component-update \
        --disable-sync --disable-default-apps --host-resolver-rules='MAP * ~NOTFOUND' --use-mock-keychain \
        --password-store=basic --user-data-dir="$scratch/profile" "--window-size=800,600" --remote-debugging-pipe \
        3<"$scratch/to" 4>"$scratch/from"
    # The page is read when it says that it is ready; --dump-dom would have to guess how long that
    # takes.
    local page="file://$inputs/chromium.html" look='const look = () => typeof ready == typeof {} ? ready.then(done) : setTimeout(look, 9)'
    target=$(chromium_asked 1 targetId '"method":"Target.createTarget","params":{"url":"about:blank"}') &&
        session=$(chromium_asked 2 sessionId \
            '"method":"Target.attachToTarget","params":{"targetId":"'"$target"'","flatten":true}') &&
        chromium_asked 3 frameId '"sessionId":"'"$session"'","method":"Page.navigate","params":{"url":"'"$page"'"}' \
            >/dev/null && chromium_asked 4 value '"sessionId":"'"$session"'","method":"Runtime.evaluate","params":{
            "expression":"new Promise((done) => { '"$look"'; look() })","awaitPromise":true,"returnByValue":true}' &&
        chromium_asked 5 data '"sessionId":"'"$session"'","method":"Page.captureScreenshot"' >"$scratch/picture" &&
        chromium_asked 6 result '"method":"Browser.close"' && ended
}
# chromium_asked ID NAME REQUEST: the string of that name in the answer, or the whole answer.
chromium_asked() {
    local answer='' part
    printf '{"id":%d,%s}\0' "$1" "$3" >&"$to"
    while kill -0 "$server" 2>/dev/null; do
        IFS= read -r -d '' -t 1 -u "$from" part
        local status=$?
        answer+=$part
        [[ $status -eq 0 ]] || continue # the answer is not complete yet
        if [[ $answer == "{\"id\":$1,"* ]]; then
            sed -nE "s/.*\"$2\":(\"(([^\"\\]|\\\\.)*)\"|\{\}).*/\2/; t found; q 1; :found p" <<<"$answer"
            return
        fi
        answer='' # it was an event
    done
    return 1
}
