# shellcheck shell=sh
# Say that one is ready and wait for SIGTERM, with a pipeline in the background.
trap 'exit 7' TERM
while :; do sleep 100; done | cat &
echo ready
while :; do wait; done
