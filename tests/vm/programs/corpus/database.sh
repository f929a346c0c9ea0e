# shellcheck shell=sh
# sqlite3 with its write-ahead log under two processes, then git on a repository of its own.
set -e
cd /tmp
sqlite3 db 'pragma journal_mode = wal; create table t (writer, n);'
write() {
	i=0
	while [ "$i" -lt 25 ]; do
		i=$((i + 1))
		printf 'pragma busy_timeout = 20000;\nbegin immediate; insert into t values (%s, %s); commit;\n' "$1" "$i"
	done | sqlite3 db > /dev/null
}
write 1 & one=$!
write 2 & two=$!
wait $one; wait $two
sqlite3 db 'select writer, count(*), sum(n) from t group by writer; pragma integrity_check; pragma wal_checkpoint(truncate);'
ls db*
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main origin && cd origin
for i in 1 2 3 4 5 6; do seq 1 $((i * 500)) > "file$((i % 4))"; git add . ; git commit -q -m "commit $i"; done
git checkout -q -b side HEAD~2; echo side > other; git add other; git commit -q -m side
git checkout -q main; git merge -q --no-edit side; git tag -a -m tag v1; git gc -q
cd .. && git clone -q origin copy && cd copy && git fsck --strict 2>&1
git log --oneline --graph --all | head -n 20; git diff --stat HEAD~3; git rev-parse HEAD v1
git status --short | wc -l; git grep -c 2999; git archive HEAD | tar -t | sort
