#!/bin/busybox sh
# shellcheck shell=dash
# The first program of the machine: loads the modules, has the host's root, and goes on in there.
PATH=/bin
export PATH
/bin/busybox --install -s /bin
while read -r module; do
    insmod "/modules/$module.ko" || echo "insmod $module failed"
done </modules/order
mkdir /host
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=1048576 host /host
exec switch_root /host /bin/sh "$(cat /next)"
