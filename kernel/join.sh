#!/bin/sh
# join.sh CGROUPS ARGV…
#
# Becomes ARGV after joining CGROUPS, folders without white space. Whoever joined a program after its start might miss its children.
cgroups=$1
shift
for cgroup in $cgroups; do { echo 0 >"$cgroup/cgroup.procs"; } 2>/dev/null; done
exec "$@"
