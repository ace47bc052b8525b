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

# In place of /run comes a folder of the sandbox's own with the same folders and links, to which others can be added.
replace_run() {
  mount -n -t tmpfs -o mode=755 tmpfs /tmp
  for entry in /run/*; do
    name=${entry##*/}
    case $name in *[[:space:]\\]*) continue ;; esac
    if [ -L "$entry" ]; then
      cp -P "$entry" /tmp
    elif [ -d "$entry" ]; then
      mkdir "/tmp/$name"
      mount -n --rbind "$entry" "/tmp/$name"
    fi
  done
  mkdir /tmp/netns
  mount -n --move /tmp /run
}

mount -n --make-rprivate /
# An ordinary user can make no folder in the machine's.
mkdir -p /run/netns 2>/dev/null || replace_run
mount -n -t tmpfs -o mode=755 tmpfs /run/netns
mount -n -t proc -o nosuid,nodev,noexec proc /proc
ip link set lo up
exec tini -- "$@"
