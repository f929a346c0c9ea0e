# Perl: processes, pipes, signals, sockets, sorting, regular expressions.
use strict; use warnings; use IO::Socket::INET; use POSIX ":sys_wait_h"; use Time::HiRes "sleep";
$| = 1;
my %words; $words{$_}++ for map { lc } "The quick brown the lazy THE dog" =~ /\w+/g;
print join(" ", map { "$_=$words{$_}" } sort keys %words), "\n";
print `echo from a shell`; system("exit 4"); print $? >> 8, "\n";
pipe(my $r, my $w); my $pid = fork; if ($pid == 0) { close $r; print $w "child\n"; close $w; exit 6 } close $w;
print <$r>; waitpid $pid, 0; print WEXITSTATUS($?), "\n";
open(my $out, "|-", "tr a-z A-Z") or die; print $out "piped\n"; close $out;
local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; 1 while 1; }; print $@;
local $SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$; sleep 0.01;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
if (!fork) { my $c = $server->accept; while (my $l = <$c>) { print $c scalar reverse($l) } exit 0 }
my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $server->sockport) or die;
print $client "abc\n"; shutdown $client, 1; print <$client>, "\n"; wait; print $?, "\n";
print sprintf("%.10f", exp(1)), " ", join(",", sort { $b <=> $a } 5, 30, 1), " ", exists $ENV{PATH}, "\n";
exec "echo", "exec", "ed";
