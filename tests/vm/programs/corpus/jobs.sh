# shellcheck shell=sh
# Job control: stopped, continued and listed jobs.
set -m
sleep 30 &
job=$!
kill -STOP "$job"
while ! grep -q 'State:.T' "/proc/$job/status"; do :; done
jobs | tr -s ' '
kill -CONT "$job"
while grep -q 'State:.T' "/proc/$job/status"; do :; done
kill -TERM "$job"
wait "$job"
echo "ended $?"
sh -c 'kill -STOP $$; echo resumed' &
job=$!
while ! grep -q 'State:.T' "/proc/$job/status"; do :; done
kill -CONT "$job"
while [ -d "/proc/$job" ] && ! grep -q 'State:.Z' "/proc/$job/status"; do :; done 2> /dev/null
wait "$job"
echo "ended $?"
group=$(cut -d' ' -f5 < /proc/self/stat)
[ "$group" != $$ ] && echo "a group of its own"
exit 0
