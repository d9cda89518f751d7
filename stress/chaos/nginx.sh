# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# nginx: two workers, a proxy of itself with a cache, compression, includes, TLS where there is
# openssl; it reloads its configuration in between. curl makes several requests at a time.
can_nginx() { has nginx curl; }
case_nginx() {
    local status i user='' server_pid
    [[ $EUID -ne 0 ]] || user='user root;'
    mkdir "$scratch/root"
    for i in {1..60}; do head -n "$((i * i))" "$inputs/lines" >"$scratch/root/$i.txt"; done
    echo '<!--#set var="a" value="b" --><!--#echo var="a" --><!--#include virtual="/9.txt" --><!--#include virtual="/proxy/turn/x?a=1" -->' \
        >"$scratch/root/page.html"
    echo fallback >"$scratch/root/fallback.txt"
    if has openssl && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=here \
        -keyout "$scratch/key" -out "$scratch/certificate" &>/dev/null; then
        sed "s|SCRATCH|$scratch|" "$inputs/nginx.tls" >"$scratch/tls.conf"
    fi
    sed "s|SCRATCH|$scratch|g; s|^USER|$user|" "$inputs/nginx.conf" >"$scratch/nginx.conf"
    serve nginx -p "$scratch" -e "$scratch/errors" -c "$scratch/nginx.conf" -g 'daemon off;'
    await curl -sf --unix-socket "$scratch/socket" http://here/fallback.txt && nginx_requests before &&
        server_pid=$(<"$scratch/pid") && kill -HUP "$server_pid" && nginx_requests after &&
        nginx_requests again
    status=$?
    kill -QUIT "$server"
    ended
    sed -E 's/^.*"([A-Z]+ [^"]*)" ([0-9]+) .*$/\1 \2/' "$scratch/access" | sort | uniq -c >asked
    [[ $status -eq 0 ]] || tail -n 5 "$scratch/errors" >&2
    return $status
}
nginx_requests() {
    local curl=("${under[@]}" curl -s --no-progress-meter --unix-socket "$scratch/socket")
    mkdir "$1" && "${curl[@]}" -Z --parallel-max 8 --compressed -o "$1/#1" 'http://here/[1-60].txt' &&
        "${curl[@]}" -Z --parallel-max 8 --compressed -o "$1/proxied#1" 'http://here/proxy/[1-60].txt' &&
        "${curl[@]}" --compressed -r 100-5000 http://here/page.html 'http://here/turn/[a-p]?a=[1-9]' &&
        "${curl[@]}" -L -H 'X-More: more' 'http://here/away/{one,two}' http://here/missing/x http://here/proxy/none \
            -w '%{http_code} %{num_redirects} %{size_download} %{content_type}\n' &&
        "${curl[@]}" --data-binary "@$inputs/perl.pl" http://here/proxy/turn/posted?a=2 || return
    [[ ! -e $scratch/tls.conf ]] ||
        "${under[@]}" curl -sk --no-progress-meter --unix-socket "$scratch/tls" --http2 -Z --compressed -o "$1/tls#1" 'https://here/[1-60].txt'
}
