#!/bin/sh
# host.sh NAME BOOT
#
# The first process of a host, in mount, pid, uts, ipc and network namespaces of its own. It gives the host its NAME, a /proc, a
# /run/netns and, as a machine has at each boot, a new boot id: the file BOOT. It says on standard output what /proc/PID/stat
# says of it outside, and becomes `tini`, which reaps what killed agents leave behind. When it ends, however it ends, the kernel ends
# every process of the host, and with them go its mounts and its pods' networks: no other host holds any of them.
set -eu
IFS= read -r stat </proc/self/stat
# For an ordinary user the file is not to be written.
{ printf %s "$1" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$1"

umount -n -l /run/netns
mount -n -t tmpfs -o mode=755 tmpfs /run/netns
mount -n -t proc -o nosuid,nodev,noexec proc /proc
mount -n -o bind "$2" /proc/sys/kernel/random/boot_id
printf '%s\n' "$stat"
exec tini -- sleep infinity >/dev/null
