# shellcheck shell=bash disable=SC2018,SC2019,SC2034,SC2050
# What bash has and other shells lack.
cd /tmp || exit 1
mapfile -t lines < <(printf '%s\n' x y z); echo "${#lines[@]} ${lines[1]}"
diff <(echo a) <(echo b) | tail -n 1
declare -A table=([one]=1 [two]=2); echo $((table[one] + table[two]))
[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[2]}"
coproc { tr a-z A-Z; }
input=${COPROC[1]} output=${COPROC[0]}
echo hello >&"$input"; exec {input}>&-; cat <&"$output"; wait
trap 'echo "line failed: $?"' ERR; (exit 4); trap - ERR
set -o pipefail; false | true; echo "pipefail $?"
printf -v text '%05d' 42; echo "$text"
(ulimit -u 200; for i in {1..20}; do : & done; wait); echo "$?"
read -r -t 0.05 nothing < <(sleep 1); echo "timed out $(($? > 128))"
echo "${BASH_VERSINFO[0]} $BASHPID" | cut -d' ' -f1
exec -a renamed bash -c 'echo "$0 $(tr "\0" " " < /proc/$$/cmdline)"'
