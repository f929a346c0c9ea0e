# Say that one is ready and wait for SIGTERM, with a child that waits as well.
use strict; use warnings;
$| = 1;
$SIG{TERM} = sub { exit 7 };
my $child = fork;
if (!$child) { $SIG{TERM} = 'DEFAULT'; sleep 1000; exit 1 }
print "ready\n";
sleep 1000 while 1;
