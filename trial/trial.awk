# trial.awk - what zk-trial prints about its runs. To be loaded after quantile.awk. table=times
# reads the times of entries, and appends the warm ones to the file `warm_to`, if it has a
# name, for kinds.awk. The other tables read the runs: allocator, round, wall_s, cpu_s, page_faults,
# peak_bytes, instructions, entries, first_ms, warm_ms, allocations.

# ---- Times: one word per line; each process begins with a line "process": entries, allocations
# plus 1, twice the time plus 1 where a phase ends. From one entry to the next, or to the end of the
# phase if it has one.

table == "times" && $1 == "process" { word = 0; have = 0; intervals = 0; process++; next }
table == "times" {
    word++
    if (word == 1) entries += $1
    else if (word == 2) { if ($1 > 0) { allocations += $1 - 1; known = 1 } }
    else {
        ends = $1 % 2
        time = ($1 - ends) / 2e6
        if (have && (ends || !paired)) {
            if (++intervals == 1) add("first", time - began)
            else {
                add("warm", time - began)
                if (warm_to != "" && ++kept_warm <= 1000) printf "%d.%d\t%.6f\n", process, intervals, time - began >>warm_to
            }
        }
        if (ends) paired = 1
        if (!ends) { began = time; have = 1 } else have = 0
    }
    next
}

# ---- Runs

{
    metrics = split("warm first wall cpu page_faults peak instructions", metric, " ")
    unit["warm"] = "ms"; unit["first"] = "ms"; unit["wall"] = "s"; unit["cpu"] = "s"
    unit["page_faults"] = "count"; unit["peak"] = "bytes"; unit["instructions"] = "count"
    of["wall"] = 3; of["cpu"] = 4; of["page_faults"] = 5; of["peak"] = 6; of["instructions"] = 7; of["first"] = 9; of["warm"] = 10
    if ($2 > last_round) last_round = $2
    for (m = 1; m <= metrics; m++) {
        value = $(of[metric[m]])
        if (value == "NA" || value == "") continue
        cell[$1, $2, metric[m]] = value
        add($1 SUBSEP metric[m], value)
    }
}

# The ratios of one to the other, round by round.
function compare(one, other, which,    round, key) {
    key = one SUBSEP other SUBSEP which
    if (key in compared) return key
    compared[key] = 1
    for (round = 1; round <= last_round; round++)
        if ((one, round, which) in cell && (other, round, which) in cell && cell[other, round, which] > 0)
            add(key, cell[one, round, which] / cell[other, round, which])
    return key
}

# less, more or noise: can one be distinguished from the other? few: there are too few rounds to
# tell.
function judge(one, other, which,    key, again, middle, low, high, least, most) {
    key = compare(one, other, which)
    if (length_of[key] == 0) return "NA"
    if (length_of[key] < 3) return "few"
    middle = median(key); low = quantile(key, 0.25); high = quantile(key, 0.75)
    if (low <= 1 && high >= 1) return "noise"
    again = compare("glibc_again", "glibc", which)
    if (length_of[again] > 0) { # how far glibc differs from itself, in both directions
        least = quantile(again, 0.25); most = quantile(again, 0.75)
        if (1 / most < least) least = 1 / most
        if (1 / least > most) most = 1 / least
        if (middle >= least && middle <= most) return "noise"
    }
    return middle < 1 ? "less" : "more"
}

function cell_of(one, which,    key, mark, judgement) {
    key = compare(one, "glibc", which)
    if (length_of[key] == 0) return "NA"
    judgement = judge(one, "glibc", which)
    mark = judgement == "noise" || judgement == "few" ? "~" : ""
    return sprintf("%.2f %.2f..%.2f%s", median(key), quantile(key, 0.25), quantile(key, 0.75), mark)
}

function absolute(which,    value) {
    value = median("glibc" SUBSEP which)
    if (value == "NA") return "NA"
    if (unit[which] == "ms") return sprintf(value < 10 ? "%.3f ms" : "%.1f ms", value)
    if (unit[which] == "s") return sprintf("%.3f s", value)
    if (unit[which] == "bytes") return sprintf("%.1f MiB", value / 1048576)
    return sprintf("%d", value)
}

# print_table NAME COUNT FROM TO: of all allocators, the metrics from one to another.
function print_table(name, count, from, to,    i, m, line) {
    if (from > 1) print ""
    line = sprintf("%-12s", "allocator")
    for (m = from; m <= to; m++) line = line sprintf("  %-17s", metric[m])
    print bold trimmed(line) plain
    line = sprintf("%-12s", "glibc")
    for (m = from; m <= to; m++) line = line sprintf("  %-17s", absolute(metric[m]))
    print trimmed(line)
    for (i = 1; i <= count; i++) {
        if (name[i] == "glibc") continue
        line = sprintf("%-12s", name[i])
        for (m = from; m <= to; m++) line = line sprintf("  %-17s", cell_of(name[i], metric[m]))
        print trimmed(line)
    }
}

function trimmed(line) { sub(/ +$/, "", line); return line }

function print_people(    m, count, name, each, shown_metrics, arena) {
    count = split(names, name, " ")
    shown_metrics = 6
    if (median("glibc" SUBSEP "instructions") != "NA") shown_metrics = 7
    each = columns > 12 + 19 ? int((columns - 12) / 19) : 1
    for (m = 1; m <= shown_metrics; m += each)
        print_table(name, count, m, m + each - 1 < shown_metrics ? m + each - 1 : shown_metrics)
    print "  glibc: medians of " last_round " rounds. Below it: median and quartiles of the ratios to glibc in the same round; less is better."
    print "  ~ cannot be told from noise" (last_round < 3 ? ", as nothing can in fewer than three rounds." : ".")
    print "  warm: from one entry of " functions " to the next, without the first" (kinds == "" ? "." : ": of several kinds of work, see below.")
    if (tried("glibc_again")) print "  glibc_again: glibc once more: how far it is from itself."
    if (tried("glibc_tuned")) print "  glibc_tuned: glibc, set to keep its memory (GLIBC_TUNABLES)."
    arena = "zkalloc, with a phase from each entry to the next; what lives on is kept, the rest is used again"
    if (tried("pinned")) print "  pinned: " arena "."
    if (tried("pinned_0")) print "  pinned_0: " (tried("pinned") ? "pinned" : arena) ", small blocks as well (ZK_ALLOC_MIN_BYTES=0)."
    if (guaranteed != "NA" && tried("blind"))
        print "  blind: ZK_ALLOC_MIN_BYTES=" guaranteed ", as the audit guarantees: smaller blocks are glibc's, all others are used again."
    while ((getline line < counted) > 0) {
        split(line, field, "\t")
        if (field[1] == "glibc") of_glibc = field[2]
        share = ""
        if (of_glibc > 0) share = sprintf(" (%.3f of glibc)", field[2] / of_glibc)
        printf "  instructions, %s: %s%s\n", field[1], field[2], share
    }
}

function tried(one) { return index(" " names " ", " " one " ") > 0 }

function print_tsv(    i, m, count, name, key, word) {
    word["less"] = "less"; word["more"] = "more"; word["noise"] = "within noise"; word["few"] = "too few rounds"; word["NA"] = "NA"
    count = split(names, name, " ")
    for (i = 1; i <= count; i++)
        for (m = 1; m <= metrics; m++) {
            key = compare(name[i], "glibc", metric[m])
            printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", name[i], metric[m], unit[metric[m]],
                shown(median(name[i] SUBSEP metric[m]), "%.6g"), shown(median(key), "%.4f"), shown(quantile(key, 0.25), "%.4f"),
                shown(quantile(key, 0.75), "%.4f"), length_of[name[i] SUBSEP metric[m]],
                name[i] == "glibc" ? "reference" : word[judge(name[i], "glibc", metric[m])]
        }
}

# ---- The answer

# The metric that decides: the warm time, if there is one and it is that of one kind of work.
function deciding() { return median("glibc" SUBSEP "warm") != "NA" && kinds == "" ? "warm" : "wall" }

# The best of the measured ones, by the median ratio to glibc; "" if there are none.
function best_of(list, which,    i, count, name, key, best, least) {
    count = split(list, name, " ")
    for (i = 1; i <= count; i++) {
        key = compare(name[i], "glibc", which)
        if (length_of[key] > 0 && (best == "" || median(key) < least)) { best = name[i]; least = median(key) }
    }
    return best
}

function ratio_text(one, which,    key) {
    key = compare(one, "glibc", which)
    return sprintf("%.2f (%.2f..%.2f)", median(key), quantile(key, 0.25), quantile(key, 0.75))
}

function safety() {
    if (found == "safe")
        return "Safe: no block" (at == "NA" ? "" : " of MIN_BYTES (" at ") or more") \
            " that is allocated in one phase is kept into the next, in the run that the audit looked at."
    if (found == "unsafe" && guaranteed != "NA")
        return "Blind recycling is not safe here: blocks of up to " guaranteed - 1 " bytes are kept from one phase into the next" \
            (touched == "0" ? ", though none was used there" : "") " (zk-audit says where). Pinned recycling keeps them at any MIN_BYTES;" \
            " for blind, ZK_ALLOC_MIN_BYTES=" guaranteed " has none of them in the arena (of what this run did)."
    if (found == "unsafe")
        return "Blind recycling is not safe here: blocks are kept from one phase into the next (zk-audit says where). Pinned recycling keeps them."
    return "Whether it is safe is not known: the audit came to no verdict. Pinned recycling keeps blocks that live on."
}

function setting_of(one,    of_ours) {
    of_ours["pinned"] = " "
    of_ours["pinned_0"] = " ZK_ALLOC_MIN_BYTES=0 "
    of_ours["blind"] = " ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=" guaranteed " "
    if (one in of_ours) return "LD_PRELOAD=" library of_ours[one] places (places ~ /\+0x/ ? " (the address is that of this build)" : "")
    if (one == "glibc_tuned") return "GLIBC_TUNABLES=" tunables
    return "LD_PRELOAD=" (one == "tcmalloc" ? tcmalloc : one == "mimalloc" ? mimalloc : jemalloc)
}

function print_answer(    which, arena, other, cheap, told, text, against) {
    which = deciding()
    arena = best_of("pinned pinned_0 blind", which)
    other = best_of("glibc_tuned tcmalloc mimalloc jemalloc", which)
    print safety()
    if (arena == "") { print "No arena was tried."; return }
    told = judge(arena, "glibc", which)
    text = "The best arena, " arena ", takes " ratio_text(arena, which) " of glibc's " (which == "warm" ? "time from entry to entry" : "wall time")
    if (told == "few") { print text "; with fewer than three rounds nothing can be told apart: more --rounds."; return }
    if (told == "noise") text = text ", which is within noise: that it pays cannot be told."
    else if (told == "more") text = text ": it costs time."
    else text = text ": it pays, compared with glibc."
    print text
    if (median(compare("glibc_again", "glibc", which)) != "NA" && noisy(compare("glibc_again", "glibc", which)))
        print "The machine was busy: glibc takes " ratio_text("glibc_again", which) " of its own time. Try again when it is idle."
    if (other == "") {
        if (told == "less") print "Set " setting_of(arena)
        else print "Set nothing."
        return
    }
    against = judge(arena, other, which)
    if (told != "less" && judge(other, "glibc", which) != "less") { print "The same goes for the other allocators that were tried. Set nothing."; return }
    cheap = simplest_like(arena, which)
    if (against == "less") {
        print "The best of the others, " other ", takes " ratio_text(other, which) ". Set " setting_of(arena)
    } else if (told == "less" && cheap != "") {
        print cheap " gives the same without phases, as far as can be told: " ratio_text(cheap, which) ". Set " setting_of(cheap) ", and change nothing else."
    } else {
        print other " gives more, without phases: " ratio_text(other, which) ". Set " setting_of(other) "."
    }
}

# Of those at least as fast as the arena, the one that is least work to integrate.
function simplest_like(arena, which,    i, count, name, told) {
    count = split("glibc_tuned tcmalloc mimalloc jemalloc", name, " ")
    for (i = 1; i <= count; i++) {
        told = judge(arena, name[i], which)
        if (told == "noise" || told == "more") return name[i]
    }
    return ""
}

function print_figure(    i, count, name, key, which) {
    which = deciding()
    count = split(names, name, " ")
    for (i = 1; i <= count; i++) {
        key = compare(name[i], "glibc", which)
        if (name[i] != "glibc")
            printf "%s\t%s\t%s\t%s\n", name[i], shown(median(key), "%.4f"), shown(quantile(key, 0.25), "%.4f"), shown(quantile(key, 0.75), "%.4f")
    }
}

END {
    if (table == "times")
        printf "%d\t%s\t%s\t%s\n", entries, shown(median("first"), "%.6f"), shown(median("warm"), "%.6f"), known ? allocations : "NA"
    if (table == "people") print_people()
    if (table == "tsv") print_tsv()
    if (table == "answer") print_answer()
    if (table == "figure") print_figure()
    if (table == "figure_title") print (deciding() == "warm" ? "Time from entry to entry" : "Wall time") ", relative to glibc in the same round"
}
