#!/bin/sh
# entrypoint.sh (control-plane | node-agent | cli) ARGV…
#
# What a container of the image runs, below `tini`. A daemon is started again whenever it ends, so that an agent that is killed takes no
# pod with it; and where Docker gave the container another address in the hosts' network, since each is told its own. TERM ends the daemon,
# and with it the container. What the container lacks is said in one line, before anything starts. The daemons' flags come as PODWIRE_…
set -eu
role=${1-}
[ $# -eq 0 ] || shift
home=/opt/podwire/dist
labels=${PODWIRE_LABELS-}
# In Docker's names of a container's addresses: PROJECT-SERVICE-NUMBER.PROJECT_NETWORK.
network=hosts
found_ms_max=10000
# A daemon that ended sooner than this begins again later and later; the first one ends the container, since its options are wrong.
healthy_s=10
delay_s_max=5
# A stopped node's pods get their own grace period, but no more than this: less than the stop_grace_period, after which Docker kills.
pods_end_s=35

main() {
  case $role in
  cli) exec podwire "$@" ;;
  control-plane)
    find_self
    export PODWIRE_DATA=/var/lib/podwire/store PODWIRE_SOCKET=/run/podwire/podwire/api.sock PODWIRE_LISTEN=0.0.0.0:7443
    export PODWIRE_JOIN_TOKEN_FILE=/var/lib/podwire/join/token PODWIRE_USER_TOKEN_FILE=$PODWIRE_DATA/user-token
    ;;
  node-agent)
    check_rights
    find_self
    export PODWIRE_SERVER="${PODWIRE_SERVER:-control-plane:7443}" PODWIRE_JOIN_TOKEN_FILE=/var/lib/podwire/join/token
    export PODWIRE_HIDE=/var/lib/podwire
    ;;
  *) fail "\"$role\" is no command of this image: want control-plane, node-agent or cli" ;;
  esac
  mkdir -p /run/podwire/podwire
  supervise "$@"
}

fail() {
  echo "error: $1" >&2
  exit 1
}

# Number and name of each capability that the agent and its pods need; docker-compose.yml says what for.
needed_capabilities="0:CHOWN 1:DAC_OVERRIDE 3:FOWNER 5:KILL 6:SETGID 7:SETUID 8:SETPCAP 10:NET_BIND_SERVICE 12:NET_ADMIN 13:NET_RAW
  18:SYS_CHROOT 19:SYS_PTRACE 21:SYS_ADMIN"

check_rights() {
  while read -r name value; do [ "$name" != CapEff: ] || capabilities=$((0x$value)); done </proc/self/status
  missing=
  for one in $needed_capabilities; do
    [ $((capabilities >> ${one%:*} & 1)) -eq 1 ] || missing="$missing ${one#*:}"
  done
  [ "$missing" = "" ] || fail "the container lacks capabilities:$missing: add them to its cap_add, as docker-compose.yml has them"
  [ -e /dev/net/tun ] || fail "the container has no /dev/net/tun: add it to its devices; where the machine has none, load the kernel module tun"
  (true <>/dev/net/tun) 2>/dev/null ||
    fail "the container may not open /dev/net/tun: add it to its devices; where that is done, the kernel has no TUN: load the module tun"
  # Docker mounts it read-only for all but privileged containers; the agent sets each pod's network by it.
  mount -n -o remount,bind,rw /proc/sys 2>/dev/null ||
    fail "the container may not mount anything: add apparmor=unconfined to its security_opt (or what lets it use its SYS_ADMIN here)"
  # A container that starts again is a machine that boots: of its pods' networks and processes nothing is left.
  cat /proc/sys/kernel/random/uuid >/run/boot-id
  mount -n -o bind /run/boot-id /proc/sys/kernel/random/boot_id
}

# The address is the container's own in the hosts' network, the name its replica's: unlike its host name, both a new container of the
# same replica and a restarted one have it again.
find_self() {
  tries=$((found_ms_max / 500))
  until found=$(ask_name); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "this container has no name in a network \"$network\": run it by Compose, with that network"
    sleep 0.5
  done
  know_self "$found"
}

know_self() {
  own_address=${1%% *}
  export PODWIRE_ADVERTISE="$own_address:7443" PODWIRE_NODE_IP="$own_address"
  replica=${1##* }
  replica=${replica%%.*}
  replica=${replica##*-}
  export PODWIRE_NODE_NAME="${PODWIRE_NODE_PREFIX:-node}-$replica"
  [ "${PODWIRE_ZONES-}" = "" ] ||
    export PODWIRE_LABELS="${labels:+$labels,}topology.kubernetes.io/zone=$(nth $((replica - 1)) "$PODWIRE_ZONES")"
}

# "ADDRESS NAME", or nothing while the container is in no such network.
ask_name() {
  ip -4 -o address show scope global | {
    while read -r _ _ _ address _; do
      name=$(getent -s dns hosts "${address%/*}") || continue
      case $name in *"_$network") echo "${address%/*} ${name##* }" && exit ;; esac
    done
    exit 1
  }
}

# The nth of words with commas between them, from 0 on, round and round.
nth() {
  number=$1
  # shellcheck disable=SC2046 # a list
  set -- $(echo "$2" | tr , ' ')
  shift $((number % $#))
  echo "$1"
}

supervise() {
  child=
  stopping=
  first=1
  delay_s=0
  trap 'stopping=1; stop' TERM INT
  watch_address &
  while [ "$stopping" = "" ]; do
    started_s=$(date +%s)
    MALLOC_ARENA_MAX=1 node --disable-warning=ExperimentalWarning --max-semi-space-size=1 "$home/$role/main.js" "$@" &
    child=$!
    echo "$child" >/run/podwire/daemon
    await_child
    [ "$stopping" = "" ] || exit "$code"
    if [ $(($(date +%s) - started_s)) -ge "$healthy_s" ]; then
      delay_s=0
    elif [ "$first" = 1 ] && [ "$code" -lt 128 ]; then
      exit "$code"
    fi
    first=
    echo "$role ended ($code); starting it again" >&2
    sleep "$delay_s" &
    child=$!
    await_child
    [ "$delay_s" -ge "$delay_s_max" ] || delay_s=$((delay_s + 1))
    # It may have moved; while it is in no network it stays who it was.
    found=$(ask_name) && know_self "$found"
  done
}

# An agent that gets TERM leaves its pods running; this is as a machine tells it that the power is about to fail.
stop() {
  [ "$role" = node-agent ] || { end TERM && return; }
  end PWR
  (sleep "$pods_end_s" && end PWR) &
}

end() {
  [ "$child" = "" ] || kill "-$1" "$child" 2>/dev/null || true
}

# A trap ends `wait`, not the child.
await_child() {
  while :; do
    code=0
    wait "$child" || code=$?
    kill -0 "$child" 2>/dev/null || return 0
  done
}

# Docker takes the address away when it disconnects the container, and may give another when it connects it again.
watch_address() {
  ip -4 -o monitor address | while read -r _; do
    tries=20
    until now=$(ask_name) || [ "$tries" -eq 0 ]; do
      tries=$((tries - 1))
      sleep 0.5
    done
    [ "$now" = "" ] || [ "${now%% *}" = "$own_address" ] || { own_address=${now%% *} && kill -KILL "$(cat /run/podwire/daemon)" || true; }
  done
}

main "$@"
