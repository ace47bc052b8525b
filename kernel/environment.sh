#!/bin/sh
# environment.sh DIRECTORY RIGHTS ARGV…
#
# Becomes ARGV in DIRECTORY with RIGHTS, which are words for setpriv, and with the environment that PODWIRE_VARIABLE_1, 2 … of
# PODWIRE_VARIABLES hold, each NAME=value. Anybody may read the arguments of a process that lasts, and nobody but its user its environment.
# Descriptor 3 is this script, 4 the agent's ear. From its start on, this process dies with the one that entered the namespaces, and that
# with the agent; but a death that came before would not have been noticed. So it asks the agent, and does nothing where none answers.
{ echo >&4 && IFS= read -r _ <&4; } 2>/dev/null || exit 137
directory=$1 rights=$2
shift 2
number=$PODWIRE_VARIABLES
while [ "$number" -gt 0 ]; do
  eval "set -- \"\$PODWIRE_VARIABLE_$number\" \"\$@\""
  number=$((number - 1))
done
# shellcheck disable=SC2086
exec setpriv --pdeathsig=KILL --inh-caps=-all $rights -- env -i -C "$directory" -- "$@" 3<&- 4<&-
