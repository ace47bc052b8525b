#!/bin/sh
# container.sh STATE HIDDEN HOSTNAME NODE TOOLBOX RIGHTS DIRECTORY SEARCH PROGRAM COUNT (ro|rw SOURCE TARGET SUBPATH)… ARGV…
#
# The first process of a container: it runs in mount, pid, uts and ipc namespaces of its own and in the pod's network
# namespace. It builds the container's view of the file system, runs ARGV in DIRECTORY, in the foreground, and leaves ARGV's exit
# code in the file that it got as descriptor 3, after a line "started". ARGV ends in the call of PROGRAM, looked up in SEARCH: where
# that can't run, the script says why and never starts. It stays because the code must be recorded inside the pid namespace: nothing
# outside that outlives the agent learns how ARGV ended. When it ends, the kernel kills what is left of the container.
#
# STATE/init gets this process's /proc/PID/stat as seen from outside, with which the agent finds it again.
# Descriptor 3 was opened outside, because / is read-only here and STATE may be hidden. HIDDEN is a folder that the container must not see:
# the cluster's own, with its secrets. RIGHTS are words for setpriv. `mount -n`: no user-space mount table, which stands in the /run that is being
# replaced.
set -eu
state=$1 hidden=$2 hostname=$3 node=$4 toolbox=$5 rights=$6
shift 6
directory=$1 search=$2 program=$3
shift 3

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

can_run() {
  [ -f "$1" ] && [ -x "$1" ]
}

in_search() {
  IFS=:
  set -f
  for folder in $search; do can_run "${folder:-.}/$program" && return; done
  return 1
}

IFS= read -r stat </proc/self/stat
printf '%s\n' "$stat" >"$state/init"

# The volumes, COUNT of them: first bound where the replaced /run can't hide them, later to where they belong.
bind_volumes() {
  count=$1
  shift
  number=0
  while [ "$number" -lt "$count" ]; do
    mkdir -p "$run/podwire/volumes/$number"
    mount -n --bind "$2" "$run/podwire/volumes/$number"
    number=$((number + 1))
    shift 4
  done
}

place_volumes() {
  count=$1
  shift
  number=0
  while [ "$number" -lt "$count" ]; do
    volume=/run/podwire/volumes/$number
    # A link in the volume must lead nowhere else.
    source=$(readlink -m "$volume/$4")
    case $source/ in "$volume"/*) ;; *) fail "cannot start: the subPath \"$4\" leads out of its volume" ;; esac
    [ -e "$source" ] || mkdir -p "$source" || fail "cannot start: the subPath \"$4\" can't be made"
    target=$(readlink -m "$3")
    make_point "$source" "$target"
    mount -n -o "bind,$1,nosuid,nodev" "$source" "$target" || fail "cannot start: nothing can be mounted on \"$3\""
    number=$((number + 1))
    shift 4
  done
  while [ "$number" -gt 0 ]; do
    number=$((number - 1))
    umount -n "/run/podwire/volumes/$number"
    rmdir "/run/podwire/volumes/$number"
  done
}

# Everything of the machine is read-only by now: what can be made is the container's own.
make_point() {
  [ -e "$2" ] || make_entry "$1" "$2" 2>/dev/null || {
    above=${2%/*}
    while [ ! -e "${above:-/}" ]; do above=${above%/*}; done
    make_room "$above"
    make_entry "$1" "$2" || fail "cannot start: the mount point \"$2\" can't be made"
  }
}

make_entry() {
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "${2%/*}" && : >"$2"; fi
}

# In place of a folder of the machine comes one of the container's own with the same entries, to which others can be added. (Names with
# white space stay behind: the list of mounts can't say them.)
make_room() {
  copy=/run/podwire/copy
  mkdir "$copy"
  mount -n -t tmpfs -o mode=755 tmpfs "$copy"
  # Or the copy of / would hold a copy of the copy.
  mount -n --make-unbindable "$copy"
  for entry in "$1"/* "$1"/.[!.]*; do
    name=${entry##*/}
    case $name in *[[:space:]\\]*) continue ;; esac
    if [ -L "$entry" ]; then
      cp -a "$entry" "$copy/$name"
      continue
    elif [ -d "$entry" ]; then
      mkdir "$copy/$name"
    elif [ -e "$entry" ]; then
      : >"$copy/$name"
    else
      continue
    fi
    printf '%s %s none rbind 0 0\n' "$entry" "$copy/$name" >>/run/podwire/mounts
  done
  [ ! -e /run/podwire/mounts ] || mount -n -a -T /run/podwire/mounts
  rm -f /run/podwire/mounts
  if [ "$1" = "" ]; then
    cd "$copy"
    pivot_root . .
    umount -n -l .
    cd /
  else
    mount -n --move "$copy" "$1"
  fi
  rmdir "$copy"
  copied="$copied $1/"
}

mount -n --make-rprivate /

# Read-only is said of each mount by itself, and that its devices are none: a chroot somewhere may hold one. Those that get another mount
# over them below don't matter.
while read -r _ _ _ _ point options _; do
  case $options in ro | ro,*) continue ;; esac
  case $point/ in / | // | /proc/* | /sys/* | /dev/* | /run/* | /tmp/* | /var/tmp/* | /var/log/* | /root/* | /home/*) continue ;; esac
  # A space is written \040 there, and \0040 for printf.
  case $point in *\\*) point=$(printf %b "$(printf %s "$point" | sed 's/\\/\\0/g')") ;; esac
  mount -n -o remount,bind,ro,nodev "$point" 2>/dev/null || :
done </proc/self/mountinfo

# A new /run is filled beside the old one, which still holds what is bound into it, and then put in its place.
run=$state/run
mount -n -t tmpfs -o mode=755 tmpfs "$run"
mkdir -p "$run/podwire/toolbox" "$run/lock"
bind_volumes "$@"
: >"$run/podwire/node"
mount -n -o bind,ro,nodev "$node" "$run/podwire/node"
mount -n -o bind,ro,nodev "$toolbox" "$run/podwire/toolbox"
for file in hosts resolv.conf hostname; do
  target=$(readlink -f "/etc/$file") || continue
  case $target in
  /run/*)
    target=$run/${target#/run/}
    mkdir -p "${target%/*}"
    : >"$target"
    ;;
  esac
  [ -e "$target" ] || continue
  mount -n --bind "$state/etc/$file" "$target"
done

# Only harmless devices: whoever is root in here must not reach a disk.
dev=$state/dev
mount -n -t tmpfs -o mode=755,size=64k tmpfs "$dev"
devices="/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty"
# Where no device may be made (an ordinary user, Docker without MKNOD), the machine's are bound: one program each.
# shellcheck disable=SC2086 # a list
if ! cp -a $devices "$dev" 2>/dev/null; then
  rm -f "$dev"/*
  for device in $devices; do
    : >"$dev/${device#/dev/}"
    mount -n --bind "$device" "$dev/${device#/dev/}"
  done
fi
cp -a /dev/fd /dev/stdin /dev/stdout /dev/stderr "$dev"
mkdir "$dev/shm" "$dev/pts"
mount -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$dev/shm"
mount -n -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$dev/pts"
ln -s pts/ptmx "$dev/ptmx"
mount -n --move "$dev" /dev
mount -n --move "$run" /run
for folder in /tmp /var/tmp; do mount -n -t tmpfs -o mode=1777 tmpfs "$folder"; done
for folder in /var/log /root /home; do mount -n -t tmpfs -o mode=755 tmpfs "$folder"; done
[ ! -d "$hidden" ] || mount -n -t tmpfs -o mode=0,ro tmpfs "$hidden"
mount -n -t proc -o nosuid,nodev,noexec proc /proc
printf %s "$hostname" >/proc/sys/kernel/hostname
# Files there that change the machine ask for no capability, only for its root.
for folder in sys bus fs irq; do [ ! -d "/proc/$folder" ] || mount -n -o bind,ro "/proc/$folder" "/proc/$folder"; done
[ ! -e /proc/sysrq-trigger ] || mount -n --bind /dev/null /proc/sysrq-trigger
# A pod in the node's own network namespace has the node's sysfs, which can't be mounted twice.
mount -n -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys 2>/dev/null || mount -n -o bind,ro /sys /sys
mount -n -o remount,bind,ro,nodev /

copied=
place_volumes "$@"
shift $((1 + 4 * $1))
for folder in $copied; do mount -n -o remount,bind,ro,nodev "$folder"; done
[ ! -d /run/podwire/volumes ] || rmdir /run/podwire/volumes

cd -- "$directory" 2>/dev/null || fail "cannot start: the working directory \"$directory\" does not exist"
case $program in
*/*) can_run "$program" || fail "cannot start: there is no program \"$program\"" ;;
*) (in_search) || fail "cannot start: there is no program \"$program\" in \$PATH" ;;
esac

# The shell's own words about how a child ended stay out of the log. "started" is said by the process that becomes the command, so that
# there is one to signal from then on.
exec 4>&2 2>/dev/null
set +e
(
  echo started >&3
  # shellcheck disable=SC2086
  exec setpriv --inh-caps=-all $rights -- "$@" 2>&4 3>&- 4>&-
)
echo $? >&3
