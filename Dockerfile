# One image, three commands: control-plane, node-agent and cli (docker/entrypoint.sh). docs/compose.md says how it is used.
# Any Debian 12 with Node 24 and npm will do.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /opt/podwire
COPY package.json package-lock.json* ./
# What it depends on and nothing that builds it; the base has Node. The npm package has no lock.
RUN if [ -e package-lock.json ]; then npm ci --omit=dev --ignore-scripts; else npm install --omit=dev --ignore-scripts; fi \
 && rm -rf node_modules/node-linux-* && mkdir -p node_modules/node-linux-base/bin \
 && ln -s /usr/local/bin/node node_modules/node-linux-base/bin/node
COPY . .
# The npm package is built already.
RUN if [ -e scripts/build.ts ]; then node --disable-warning=ExperimentalWarning scripts/build.ts --no-types; fi \
 && mkdir /out && cp -r package.json podwire dist docker examples node_modules /out

FROM ${BASE_IMAGE}
# The agent's own programs: iproute2, nftables, conntrack, tini (reaps what killed agents leave behind). The others are what pods run; a
# container sees this image. curl, ping, dig, socat and iperf3 are what one tries a network with, tcpdump shows it, and busybox has small
# ones of everything else (wget, nc, vi, httpd…) in 2 MB; for more, build on this image.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    iproute2 nftables conntrack tini \
    bind9-dnsutils busybox curl iperf3 iputils-ping procps socat tcpdump >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
# The control plane's user. A new volume takes owner and mode of the folder that it is mounted on.
RUN groupadd --system --gid 7443 podwire && useradd --system --uid 7443 --gid podwire --home-dir /var/lib/podwire podwire \
 && install -d -o podwire -g podwire -m 700 /var/lib/podwire/store /var/lib/podwire/join /run/podwire
COPY --from=build /out /opt/podwire
RUN ln -s /opt/podwire/podwire /usr/local/bin/podwire && ln -s /opt/podwire/examples /examples
# Compiled code is kept here, for each user by itself: starts are sooner.
# Where the CLI finds the cluster, whoever runs it.
ENV XDG_RUNTIME_DIR=/run
ENV NODE_COMPILE_CACHE=/var/cache/podwire
RUN install -d -m 1777 "$NODE_COMPILE_CACHE" && node /opt/podwire/dist/node-agent/main.js --help >/dev/null \
 && setpriv --reuid=podwire --regid=podwire --clear-groups sh -c \
    'node /opt/podwire/dist/control-plane/main.js --help && podwire get --help && podwire verify --help' >/dev/null
ENTRYPOINT ["tini", "--", "/opt/podwire/docker/entrypoint.sh"]
CMD ["cli", "help"]
