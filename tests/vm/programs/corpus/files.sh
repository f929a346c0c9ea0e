# shellcheck shell=bash
# coreutils, findutils, grep, sed, awk, tar and the compressors on a tree of files.
set -e
cd /tmp && mkdir tree && cd tree
for i in $(seq 1 40); do mkdir -p "d$((i % 7))"; seq 1 "$i" > "d$((i % 7))/f$i"; done
ln -s f7 d0/link; ln d0/f7 d0/hard; chmod 640 d0/f7; touch -h -d 2020-02-02T02:02:02Z d0/f7 d0/link
find . -type f | sort | xargs sha256sum | sha256sum
find . -type f -size +0 -name 'f*' -exec grep -l 33 {} + | sort
find . -type l -printf '%p %l %m\n'; find d0 -links 2 -name hard -printf '%s %TY\n'
stat -c '%a %h %s %F %Y' d0/f7 d0/link
grep -rc 1 d1 | sort | head -n 3
grep -rhoE '(1|2)[0-9]' . | sort | uniq -c | sort -rn | head -n 3
sed -n '2,4p; s/3/three/p' d0/f7; sed -i 's/7/seven/' d0/f7; tail -n 1 d0/f7
awk '{ sum += $1 } END { print NR, sum, sum / NR }' d3/f38
awk 'BEGIN { "date -u -d @0 +%Y" | getline year; print year; printf "%.3f %s\n", exp(1), toupper("awk") }'
cd ..
for tool in gzip bzip2 xz; do
	command -v $tool > /dev/null || continue
	tar -cf - tree | $tool -9 > tree.$tool
	mkdir out.$tool; $tool -dc tree.$tool | tar -xf - -C out.$tool
	diff -r tree out.$tool/tree && echo "$tool is lossless"
done
xz -T2 -k -c tree.gzip | xz -dc | cmp - tree.gzip && echo "threads, too"
tar -czf both.tgz tree; tar -tzf both.tgz | wc -l
dd if=/dev/zero of=sparse bs=1 count=1 seek=10M status=none; stat -c '%s' sparse; cp --sparse=always sparse copy; cmp sparse copy
truncate -s 3M random; head -c 3M /dev/urandom > random; split -b 1M random part.; cat part.* | cmp - random && echo "split and joined"
sort -R random 2> /dev/null | wc -c; base64 random | base64 -d | md5sum | cut -c1-5 > sum; md5sum random | cut -c1-5 | cmp - sum
seq 1 200000 | sort -S 1M --parallel=2 -rn | head -n 1
mkdir -p a/b/c && touch a/b/c/d && mv a moved && cp -a moved copied && rm -r moved && find copied
timeout 0.2 sleep 5 || echo "timeout $?"
