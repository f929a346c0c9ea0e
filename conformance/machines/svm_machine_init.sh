#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the machine: mounts what a program expects, loads KVM for AMD processors, runs /job and powers off.
# The job's output and, as the last line, its status go to the second serial line; the first is the console.
PATH=/bin
HOME=/
export PATH HOME
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
ip link set lo up
stty -F /dev/ttyS1 raw -echo

for module in irqbypass kvm kvm-amd; do
    insmod "/modules/$module.ko" || echo "insmod $module failed"
done
sh /job </dev/null >/dev/ttyS1 2>&1
echo "status $?" >/dev/ttyS1
poweroff -f
