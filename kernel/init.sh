#!/bin/sh
# init.sh IDENTITY ARGV…
#
# The first process of a sandbox, in mount, pid and network namespaces of its own. It leaves its /proc/PID/stat, as seen from
# outside, in the file IDENTITY, so that whoever comes later can tell whether the sandbox lives and can end it; gives the sandbox
# a /proc and a /run/netns of its own; and becomes `tini`, which reaps what killed agents leave behind. When it ends, however it
# ends, the kernel removes every process, namespace, device and rule of the sandbox.
set -eu
identity=$1
shift
IFS= read -r stat </proc/self/stat
printf '%s\n' "$stat" >"$identity"

mount -n --make-rprivate /
mkdir -p /run/netns
mount -n -t tmpfs -o mode=755 tmpfs /run/netns
mount -n -t proc -o nosuid,nodev,noexec proc /proc
ip link set lo up
exec tini -- "$@"
