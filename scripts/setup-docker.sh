#!/usr/bin/env bash
# Prepares what `npm run test:docker` and `docker compose up --build` need on a Debian 12 machine that reaches its package archives and
# the npm registry, and no registry of images: a Docker engine, Compose v2, and the base image that the Dockerfile names, made of the
# distribution's packages and the Node of this checkout. Says what it does; does nothing where all is there.
#
#   setup-docker.sh          prepare
#   setup-docker.sh stop     end the engine that this script started, and nothing else
#
# PODWIRE_DOCKER_HOME is where that engine keeps everything.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd -P)
home=${PODWIRE_DOCKER_HOME:-/var/lib/podwire-docker}
plugins=/usr/local/lib/docker/cli-plugins
image=$(sed -n 's/^ARG BASE_IMAGE=//p' "$project/Dockerfile")
export DEBIAN_FRONTEND=noninteractive

say() {
  echo "setup:docker: $*"
}

fail() {
  echo "setup:docker: $*" >&2
  exit 1
}

main() {
  [ "${1-}" != stop ] || { stop_engine && exit; }
  if engine_answers && compose_is_there && image_is_there; then
    say "the engine, Compose and the base image are there"
    exit
  fi
  [ "$(id -u)" -eq 0 ] || fail "this needs root: run it with sudo"
  command -v apt-get >/dev/null || fail "this machine has no apt-get: install Docker and Compose v2 as https://docs.docker.com says"
  engine_answers || start_engine
  compose_is_there || install_compose
  image_is_there || make_image
}

engine_answers() {
  docker version >/dev/null 2>&1
}

compose_is_there() {
  docker compose version >/dev/null 2>&1
}

image_is_there() {
  docker image inspect "$image" >/dev/null 2>&1
}

install() {
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
  say "reading the package lists first"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

start_engine() {
  if ! command -v dockerd >/dev/null; then
    say "installing docker.io"
    install docker.io iptables
    # A machine with systemd has started it by then.
    ! engine_answers || return 0
  fi
  say "starting a Docker engine in $home"
  mkdir -p "$home"
  setsid dockerd --data-root "$home/data" --exec-root "$home/run" --pidfile "$home/pid" >"$home/log" 2>&1 </dev/null &
  for _ in $(seq 100); do
    engine_answers && return
    kill -0 $! 2>/dev/null || break
    sleep 0.3
  done
  fail "the engine does not answer. Its log ($home/log) ends with: $(grep -v level=info "$home/log" | tail -n 2)"
}

stop_engine() {
  [ -e "$home/pid" ] || { say "no engine of this script runs" && return; }
  local pid
  pid=$(cat "$home/pid")
  # Another program may have its number by now.
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || { say "no engine of this script runs" && return; }
  say "ending the engine in $home"
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
}

# The address of the archive that this machine's own packages come from.
archive() {
  apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
    awk -v release="$1" '$1 == "Packages" && $2 == release && $3 == "main" { print $4; exit }'
}

# Debian 12 has Compose v1 only. Debian 13's package of v2 is one program that runs here as well: it is unpacked, not installed.
install_compose() {
  # shellcheck source=/dev/null
  local codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  if [ "$codename" != bookworm ]; then
    say "installing docker-compose"
    install docker-compose
    compose_is_there || fail "this distribution's docker-compose is not Compose v2: install the plugin as https://docs.docker.com/compose/install says"
    return
  fi
  say "taking Compose v2 from Debian 13's archive"
  local work keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/parts"
  echo "deb [signed-by=$keyring] $(archive bookworm) trixie main" >"$work/sources.list"
  local options=(-o "Dir::Etc::SourceList=$work/sources.list" -o "Dir::Etc::SourceParts=$work/parts" -o "Dir::State::Lists=$work/lists"
    -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$work" && apt-get "${options[@]}" download -qq docker-compose >/dev/null)
  dpkg-deb --extract "$work"/docker-compose_*.deb "$work/files"
  mkdir -p "$plugins"
  install_file "$(find "$work/files" -type f -name docker-compose -path '*cli-plugins*')" "$plugins/docker-compose"
  rm -rf "$work"
  compose_is_there || fail "Compose v2 does not run here: $(docker compose version 2>&1 | tail -n 1)"
}

install_file() {
  cp "$1" "$2"
  chmod 755 "$2"
}

# What the official image of that name has, as far as the Dockerfile uses it: Debian, Node and npm. What this machine must be told to reach
# its archives and the npm registry goes in too.
make_image() {
  local node
  node=$(echo "$project"/node_modules/node-linux-*/bin/node)
  [ -x "$node" ] || fail "the Node of this checkout is missing: run \`npm ci\` first"
  command -v debootstrap >/dev/null || { say "installing debootstrap" && install debootstrap; }
  local release=${image#*:*-} root
  release=${release%-slim}
  root=$(mktemp -d)
  say "making $image of Debian's packages and Node $("$node" --version): this takes a minute or two"
  debootstrap --variant=minbase "$release" "$root" "$(archive "$release")" >"$root.log" 2>&1 || fail "debootstrap failed: $(tail -n 1 "$root.log")"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
  apt-config dump --no-empty --format '%F "%v";%n' Acquire::http::Proxy Acquire::https::Proxy >"$root/etc/apt/apt.conf.d/90proxy"
  install_file "$node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/etc"
  cp -r "$(npm root --global)/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  npm_settings "$root"
  tar --create --directory "$root" . | docker import --change 'CMD ["node"]' - "$image" >/dev/null
  rm -rf "$root" "$root.log"
}

# Where npm finds the registry, and no credential.
npm_settings() {
  local name value
  for name in registry proxy https-proxy; do
    value=$(npm config get "$name" --location=user)
    case $value in null | undefined | '') ;; *) echo "$name=$value" ;; esac
  done >"$1/usr/local/etc/npmrc"
  value=$(npm config get cafile)
  if [ -f "$value" ]; then
    cp "$value" "$1/usr/local/etc/npm-ca.crt"
    echo "cafile=/usr/local/etc/npm-ca.crt" >>"$1/usr/local/etc/npmrc"
  fi
}

main "$@"
