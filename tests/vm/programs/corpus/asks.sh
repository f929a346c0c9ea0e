# shellcheck shell=sh
# asks.sh URL: download it at once and in parallel, in a part, and what is missing.
curl -sS "$1" | cksum
curl -sS -r 0-13 "$1"
curl -sS -Z -o /tmp/one "$1" -o /tmp/two "$1" -o /tmp/three "$1" && cat /tmp/one /tmp/two /tmp/three | cksum
curl -sS -o /dev/null -w '%{http_code} %{remote_ip}\n' "$1-missing"
