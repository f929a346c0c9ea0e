# shellcheck shell=sh disable=SC2005,SC2012,SC2116,SC3045
# What every shell of the corpus does: pipelines, background jobs, traps, here-documents, redirections.
cd "${TMPDIR:-/tmp}" || exit 1
echo one two three | tr ' ' '\n' | sort -r | head -n 2 | while read -r word; do echo "word $word"; done
printf '%s\n' a b c | { read -r first; echo "first $first"; cat; } | wc -l
(exit 3); echo "status $?"
false | true; echo "pipeline $?"
! true; echo "not $?"
cat <<END
home $HOME and $((6 * 7))
END
cat <<'END'
literal $HOME
END
for number in 1 2 3; do (exit "$number") & done
wait; echo "all waited"
(exit 5) & wait $!; echo "job $?"
trap 'echo trapped TERM' TERM
kill -TERM $$
echo "after the trap"
trap - TERM
(trap 'echo leaving' EXIT; echo inside)
sh -c 'trap "exit 9" USR1; kill -USR1 $$; sleep 5'; echo "usr1 $?"
(sh -c 'kill -KILL $$'; exit $?) 2> /dev/null; echo "killed $?"
(sh -c 'kill -SEGV $$'; exit $?) 2> /dev/null; echo "segv $?"
exec 3>file; echo through three >&3; exec 3>&-; cat file
{ echo out; echo err >&2; } 2>&1 | sort
echo "$(echo nested "$(echo deeper)")"
case $(uname -s) in Linux) echo linux ;; *) echo other ;; esac
mkfifo pipe; cat pipe & echo by fifo > pipe; wait
i=0; while [ "$i" -lt 20 ]; do i=$((i + 1)); : | : ; done; echo "looped $i"
deep() { if [ "$1" -gt 0 ]; then (deep $(($1 - 1))); else echo "bottom"; fi; }
deep 12
umask 027; : > masked; ls -l masked | cut -c1-10
ulimit -n 100; ulimit -n
cd / && pwd
exit 17
