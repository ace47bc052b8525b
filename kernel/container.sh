#!/bin/sh
# container.sh STATE CGROUPS HIDDEN HOSTNAME RIGHTS DIRECTORY SEARCH COUNT (ro|rw TARGET SUBPATH)… ARGV…
#
# The first process of a container: it runs in mount, pid, uts and ipc namespaces of its own and in the pod's network
# namespace. It makes the container's view of the file system, as STATE/mounts says (container-mounts.ts), runs ARGV in DIRECTORY, in the
# foreground, and leaves ARGV's exit code in the file that it got as descriptor 3, after a line "started". ARGV's program is
# looked up in SEARCH: where it can't run, the script says why and never starts. It stays because the code must be recorded inside the
# pid namespace: nothing outside that outlives the agent learns how ARGV ended. When it ends, the kernel kills what is left of the container.
#
# STATE/init gets this process's /proc/PID/stat as seen from outside, with which the agent finds it again.
# Descriptor 8 is nobody's business but stdio.sh's, which learns by its end that this has ended. 3 was opened outside, because / is read-only here and STATE may be hidden, with the cluster's own files in HIDDEN. RIGHTS are
# words for setpriv, CGROUPS folders of those to join. COUNT volumes wait in /run/podwire/volumes. Programs are few and much is the shell's own: each costs a millisecond.
# `mount -n`: no user-space mount table, which stands in the /run that is being replaced.
set -eu
state=$1 cgroups=$2 hidden=$3 hostname=$4 rights=$5 directory=$6 search=$7
shift 7

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

# Read-only is said of each mount by itself, and that its devices are none: a chroot somewhere may hold one. What it denies already is said
# again, or it would be allowed, which the kernel refuses to an ordinary user. Those that get another mount over them don't matter. What is
# said of all at once stops at the first that another mount has covered: then each is asked by itself.
protect_mounts() {
  while read -r _ _ _ _ point options _; do
    case $options in ro | ro,*) continue ;; esac
    case $point/ in / | // | /proc/* | /sys/* | /dev/* | /run/* | /tmp/* | /var/tmp/* | /var/log/* | /root/* | /home/*) continue ;; esac
    case $point/ in "$hidden"/*) continue ;; esac
    printf 'podwire %s none remount,bind,ro,nodev%s 0 0\n' "$point" "${options#rw}"
  done </proc/self/mountinfo >"$state/protected"
  [ -s "$state/protected" ] || return 0
  mount -n -a -T "$state/protected" 2>/dev/null || protect_each
}

protect_each() {
  while read -r _ point _ options _; do
    # A space is written \040 there, and \0040 for printf.
    case $point in *\\*) point=$(printf %b "$(printf %s "$point" | sed 's/\\/\\0/g')") ;; esac
    mount -n -o "$options" "$point" 2>/dev/null || ! mountpoint -q "$point" || fail "cannot start: \"$point\" can't be made read-only"
  done <"$state/protected"
}

place_volumes() {
  count=$1
  shift
  number=0
  placed=
  while [ "$number" -lt "$count" ]; do
    volume=/run/podwire/volumes/$number
    source=$volume
    if [ "$3" != "" ]; then
      # A link in the volume must lead nowhere else.
      source=$(readlink -m "$volume/$3")
      case $source/ in "$volume"/*) ;; *) fail "cannot start: the subPath \"$3\" leads out of its volume" ;; esac
      [ -e "$source" ] || make_source "$1" "$source" "$volume" || fail "cannot start: the subPath \"$3\" can't be made"
      [ -d "$source" ] || [ -f "$source" ] || fail "cannot start: the subPath \"$3\" is neither a file nor a folder"
    fi
    make_point "$source" "$2"
    # Another container may put a link there at any moment: what is mounted is what was opened and looked at.
    exec 5<"$source" 6</run/podwire
    case $(readlink /proc/self/fd/5)/ in "$volume"/*) ;; *) fail "cannot start: the subPath \"$3\" leads out of its volume" ;; esac
    mount -n -c -o "bind,$1,nosuid,nodev" /proc/self/fd/5 "$2" || fail "cannot start: nothing can be mounted on \"$2\""
    [ -d /run/podwire/toolbox ] || uncover_own || fail "cannot start: \"$2\" covers /run/podwire, for which there is no place in it"
    exec 5<&- 6<&-
    placed="$placed $volume"
    number=$((number + 1))
    shift 3
  done
  # shellcheck disable=SC2086 # a list
  [ "$placed" = "" ] || umount -n $placed 2>/dev/null || true # another volume may lie on them
}

# A volume came to lie on /run: what waits there, and the built-in programs, come back.
uncover_own() {
  mkdir -p /run/podwire && mount -n -c -o rbind /proc/self/fd/6 /run/podwire
}

# For whoever the container runs as, like the volume itself.
make_source() {
  [ "$1" = rw ] || mount -n -o remount,bind,rw,nosuid,nodev "$3" || return
  (umask 0 && mkdir -p "$2") || return
  [ "$1" = rw ] || mount -n -o remount,bind,ro,nosuid,nodev "$3"
}

# Everything of the machine is read-only by now: what can be made is the container's own.
make_point() {
  [ -e "$2" ] || make_entry "$1" "$2" 2>/dev/null || {
    above=${2%/*}
    while [ ! -e "${above:-/}" ]; do above=${above%/*}; done
    make_room "$above"
    rooms="$rooms $above/"
    make_entry "$1" "$2" || fail "cannot start: the mount point \"$2\" can't be made"
  }
}

# Not `:`, whose failure would end the script without a word.
make_entry() {
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "${2%/*}" && true >"$2"; fi
}

# In place of a folder of the machine comes one of the container's own with the same entries, to which others can be added. (Names with
# white space stay behind: the list of mounts can't say them.)
make_room() (
  above=$1 copy=/run/room list=/run/room.mounts
  mkdir "$copy"
  mount -n -t tmpfs -o mode=755 tmpfs "$copy"
  # Or the copy of / would hold a copy of the copy.
  [ "$above" != "" ] || mount -n --make-unbindable "$copy"
  folders='' links=''
  for entry in "$above"/* "$above"/.[!.]*; do
    name=${entry##*/}
    case $name in *[[:space:]\\]*) continue ;; esac
    if [ -L "$entry" ]; then
      links="$links $entry"
      continue
    elif [ -d "$entry" ]; then
      folders="$folders $copy/$name"
    elif [ -e "$entry" ]; then
      : >"$copy/$name"
    else
      continue
    fi
    printf '%s %s none rbind 0 0\n' "$entry" "$copy/$name" >>"$list"
  done
  set -f
  # shellcheck disable=SC2086 # lists
  [ "$folders" = "" ] || mkdir $folders
  # shellcheck disable=SC2086
  [ "$links" = "" ] || cp -P $links "$copy"
  [ ! -e "$list" ] || mount -n -a -T "$list"
  rm -f "$list"
  if [ "$above" = "" ]; then
    cd "$copy"
    pivot_root . .
    umount -n -l .
    cd /
    mount -n --make-private /
  else
    mount -n --move "$copy" "$above"
  fi
  rmdir "$copy"
)

IFS= read -r stat </proc/self/stat
printf '%s\n' "$stat" >"$state/init"
# Before there is a child of this process: it joins them too.
for cgroup in $cgroups; do echo 0 >"$cgroup/cgroup.procs"; done
# The file is the machine's root's alone.
{ printf %s "$hostname" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$hostname"

protect_mounts
mount -n -a -T "$state/mounts" || fail "cannot start: the container's files can't be put together"
# A pod in the node's own network namespace has the node's sysfs, which can't always be mounted twice.
mount -n -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys 2>/dev/null || mount -n -o rbind,ro /sys /sys
mount -n -o remount,bind,ro,nodev /

if [ "$1" -gt 0 ]; then
  rooms=
  place_volumes "$@"
  for folder in $rooms; do mount -n -o remount,bind,ro,nodev "$folder"; done
fi
shift $((1 + 3 * $1))
program=${1-}

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
  # As environment.sh has it.
  number=$PODWIRE_VARIABLES
  while [ "$number" -gt 0 ]; do
    eval "set -- \"\$PODWIRE_VARIABLE_$number\" \"\$@\""
    number=$((number - 1))
  done
  # shellcheck disable=SC2086
  exec setpriv --inh-caps=-all $rights -- env -i -- "$@" 2>&4 3>&- 4>&- 8>&-
)
echo $? >&3
