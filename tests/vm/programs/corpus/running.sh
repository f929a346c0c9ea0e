# shellcheck shell=sh
# Which program another process runs, as whatever stops a service asks: by link, file and content, and to run it.
program=$(readlink -f "$(command -v sleep)")
(exec 7< /dev/null 9< "$0"; exec sleep 1000) &
process=$!
while ! [ "$(cut -d' ' -f2 "/proc/$process/stat")" = "(sleep)" ]; do :; done
[ "$(readlink "/proc/$process/exe")" = "$program" ] && echo link
[ "$(readlink "/proc/$process/task/$process/exe")" = "$program" ] && echo "link of a thread"
(cd "/proc/$process" && [ "$(readlink exe)" = "$program" ] && echo "link below a directory")
[ "$(stat -L -c %d:%i "/proc/$process/exe")" = "$(stat -c %d:%i "$program")" ] && echo file
[ "/proc/$process/exe" -ef "$program" ] && echo "the same file"
cmp "/proc/$process/exe" "$program" && echo content
"/proc/$process/exe" 0 && echo runs
[ "$(readlink /proc/$$/exe)" = "$(readlink -f /bin/sh)" ] && echo self
start-stop-daemon --status --pid $process --exec "$program" && echo found
start-stop-daemon --status --pid $process --exec "$(readlink -f /bin/sh)" || echo "not found"
kill $process
cp "$program" /tmp/own
/tmp/own 1000 &
process=$!
until [ "$(readlink "/proc/$process/exe")" = /tmp/own ]; do :; done
mv /tmp/own /tmp/renamed; readlink "/proc/$process/exe"
rm /tmp/renamed; readlink "/proc/$process/exe"
kill $process
