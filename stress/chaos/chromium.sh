# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# chromium: a page with workers, a frame, compiled code and drawing; what it became, and a picture of it. Its own
# malloc comes before any that is preloaded, so what is tested is that the two get on, in all of its processes.
settings[chromium]='0:50 0:5000 4096:200'
chromium=$(command -v chromium || command -v chromium-headless-shell)
can_chromium() { [[ -n $chromium ]]; }
case_chromium() {
    local chromium=("${under[@]}" "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run
        --disable-breakpad --disable-crash-reporter --disable-background-networking --disable-component-update --no-pings
        --disable-sync --disable-default-apps --host-resolver-rules='MAP * ~NOTFOUND' --use-mock-keychain
        --password-store=basic --user-data-dir="$scratch/profile" --virtual-time-budget=20000 "--window-size=800,600")
    "${chromium[@]}" --dump-dom "file://$inputs/chromium.html" &&
        "${chromium[@]}" --screenshot=picture.png "file://$inputs/chromium.html"
}
