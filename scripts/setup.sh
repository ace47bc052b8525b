#!/usr/bin/env bash
# Installs the system programs that Podwire starts and this machine lacks; says what it does; does nothing where all are there.
set -euo pipefail

# program:package, as Debian and Ubuntu name them
needed="ip:iproute2 nft:nftables unshare:util-linux nsenter:util-linux setpriv:util-linux mount:mount hostname:hostname tini:tini ping:iputils-ping conntrack:conntrack curl:curl iperf3:iperf3"
# What only the tests and measurements start.
needed="$needed dig:bind9-dnsutils dnsperf:dnsperf sockperf:sockperf"

missing=""
for pair in $needed; do
  program=${pair%%:*} package=${pair#*:}
  command -v "$program" >/dev/null 2>&1 || PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null 2>&1 && continue
  case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
missing=${missing# }

if [ -z "$missing" ]; then
  echo "setup: every system program is there"
  exit 0
fi
echo "setup: missing packages: $missing"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: this machine has no apt-get: install these packages (or what they are called here) and run it again" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "setup: installing needs root: run" >&2
  echo "  sudo apt-get install -y --no-install-recommends $missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of package names
apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 || {
  echo "setup: reading the package lists first"
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
echo "setup: installed $missing"
