# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# ffmpeg: generates pictures and sound, and sends them through filters, encoders and decoders with
# threads.
can_ffmpeg() { has ffmpeg; }
case_ffmpeg() {
    local ffmpeg=("${under[@]}" ffmpeg -nostdin -hide_banner -loglevel error -threads 2 -filter_threads 2 -filter_complex_threads 2)
    local pictures=(-f lavfi -i 'testsrc=duration=2:size=320x240:rate=12') sound=(-f lavfi -i 'sine=frequency=300:duration=2')
    local exact=(-bitexact -flags +bitexact -fflags +bitexact -threads 2) name
    "${ffmpeg[@]}" "${pictures[@]}" "${sound[@]}" -filter_complex \
        '[0:v]split[a][b];[a]hue=s=2,scale=160:120,boxblur[c];[b][c]overlay=20:20,drawgrid,eq=gamma=1.2[v];[1:a]aecho,atempo=1.1[s]' \
        -map '[v]' -map '[s]' "${exact[@]}" -c:v mpeg4 -g 10 -bf 2 -c:a aac mixed.mp4 &&
        "${ffmpeg[@]}" "${pictures[@]}" "${exact[@]}" -c:v ffv1 -slices 4 lossless.mkv &&
        "${ffmpeg[@]}" "${pictures[@]}" "${exact[@]}" -c:v libx264 -preset veryfast x264.mkv &&
        "${ffmpeg[@]}" "${pictures[@]}" "${exact[@]}" -c:v png -r 4 frame%02d.png &&
        "${ffmpeg[@]}" "${sound[@]}" "${exact[@]}" -c:a flac sound.flac || return
    for name in mixed.mp4 lossless.mkv x264.mkv sound.flac; do
        "${ffmpeg[@]}" -i $name "${exact[@]}" -f framemd5 - || return
    done
}
