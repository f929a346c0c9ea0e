#!/bin/sh
# Process 1 of a machine whose root is the host's: mounts what a system has, runs the job, leaves its status in the share.
# The root is the host's, read-only, so everything that is written lies in a tmpfs or in the share.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root
TMPDIR=/run/tmp
export PATH HOME TMPDIR

mount -t proc proc /proc
read -r words </proc/cmdline
systemd=
for word in $words; do
    case $word in
    share=*) share=${word#share=} ;;
    manager=systemd) systemd=1 ;;
    esac
done
mount -t sysfs sys /sys
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs -o mode=755 run /run
mkdir -m 1777 "$TMPDIR"
mount -t tmpfs -o mode=755 dev /dev
mkdir /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
while read -r name major minor; do
    mknod -m 666 "/dev/$name" c "$major" "$minor"
done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
END
[ ! -e /sys/class/misc/kvm ] || mknod -m 666 /dev/kvm c 10 232
ln -s pts/ptmx /dev/ptmx
ln -s /proc/self/fd /dev/fd
case $share in
/*) mount -t hostfs none -o "$share" /mnt ;;
*) mount -t 9p -o trans=virtio,version=9p2000.L,cache=none "$share" /mnt ;;
esac
ip link set lo up

cd /mnt || exit
# The job and its end, as a program of its own: a shell's, or a service's.
cat >/run/job <<'END'
cd /mnt || exit
sh ./job </dev/null >output 2>&1
echo $? >status
sync
poweroff -f
END
[ -n "$systemd" ] || exec sh /run/job

# systemd as the first process, with the job as the only thing to start; the cgroups are its own.
mkdir -p /run/systemd/system
cat >/run/systemd/system/job.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
Environment=PATH=$PATH HOME=$HOME TMPDIR=$TMPDIR
ExecStart=/bin/sh /run/job
END
exec /lib/systemd/systemd --unit=job.service --log-target=console --show-status=no
