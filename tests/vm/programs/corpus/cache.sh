# shellcheck shell=sh disable=SC2164
# redis serves ten thousand requests and more over loopback, saves by a forked child, scripts, and shuts down.
cd /tmp
redis-server --port 6379 --bind 127.0.0.1 --daemonize no --save '' --appendonly no --dir /tmp > redis.log 2>&1 &
server=$!
until redis-cli ping 2> /dev/null | grep -q PONG; do kill -0 $server || { cat redis.log; exit 1; }; done
redis-cli set key value; redis-cli get key
redis-benchmark -q -n 5000 -c 20 -t set,get > benchmark; tr '\r' '\n' < benchmark | grep -c 'requests per second'
redis-benchmark -q -n 20000 -P 100 -t incr > /dev/null; redis-cli get counter:__rand_int__
redis-cli eval 'local s = 0; for i = 1, 1000 do s = s + i end; return s' 0
redis-cli bgsave; while redis-cli info persistence | grep -q 'bgsave_in_progress:1'; do :; done
redis-cli info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
redis-cli --pipe <<END | tail -n 1
SET a 1
SET b 2
END
redis-cli dbsize; redis-cli shutdown nosave; wait $server; echo "ended $?"
