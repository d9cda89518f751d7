use strict; use warnings;
my (%words, %lengths, @lines);
while (my $line = <STDIN>) {
    chomp $line;
    push @lines, scalar reverse $line if $. % 3 == 0;
    $words{$_}++ for split /\W+/, $line;
    $lengths{length $line}{substr $line, 0, 2} .= substr($line, 5, 9);
    $line =~ s/(\d+)/sprintf "<%x>", $1/ge;
    splice @lines, 0, 500 if @lines > 1000;
}
print "$_ $words{$_}\n" for sort { $words{$b} <=> $words{$a} || $a cmp $b } keys %words;
for my $l (sort keys %lengths) { print "$l:", map({ "$_=" . length $lengths{$l}{$_} } sort keys %{$lengths{$l}}), "\n"; }
print "$_\n" for sort @lines;
