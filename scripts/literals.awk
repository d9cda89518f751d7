# literals.awk - string literals that are continued on the next line: where a person breaks a text.
# A break may come after a newline escape or a sentence. A sentence too long for one line is broken where a clause ends.
# Each other break is told in one line, and the exit status is 1. columns: of the longest line.
function wrong(line, what) {
    print FILENAME ":" line ": " what
    failures++
}
FNR == 1 { continued = 0 }
{
    text = $0
    sub(/^[ \t]+/, "", text)
    if (continued && text ~ /^"/) {
        sub(/^"/, "", text)
        joined = length(before) + length(text)
        if (before ~ /\\n$/ || before ~ /[^.][.!?]['")]* $/)
            ; # the end of a line of output, or of a sentence
        else if (joined <= columns)
            wrong(FNR - 1, "a literal ends inside a sentence, and the next fits behind it (" joined " columns): join the two")
        else if (before !~ /[,;:] $/ && !(before ~ / $/ && text ~ /^(and|or|but|which|who|whose|that|where|when|if|so|as|since|because|while) /))
            wrong(FNR - 1, "a literal ends in the middle of a phrase: break after a comma, a colon or a semicolon, or before a word like and, which, that")
    }
    before = $0
    continued = sub(/"$/, "", before)
}
END { exit failures > 0 }
