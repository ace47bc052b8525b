#!/bin/sh
# stdio.sh STATE INPUT ARGV…
#
# Becomes ARGV, which starts a container, and leaves beside it what its standard streams need: outside of its namespaces, since the
# container must not see that, and in no process of the agent's, since that may be killed. STATE/starter gets this process's /proc/PID/stat.
#
# What ARGV prints goes into a pipe (container-output.ts), and from its other end, descriptor 4, to the log, 5, until the last that could
# write has ended. Where INPUT is "once" (container-input.ts), 6 is the writing end of ARGV's input: it is held open until a word comes
# from 7, or nobody is left that has 8, the other end of 7, which the container keeps.
state=$1 input=$2
shift 2
IFS= read -r stat </proc/self/stat
printf '%s\n' "$stat" >"$state/starter"

cat <&4 >&5 2>/dev/null 3>&- 4<&- 5>&- 6>&- 7<&- 8>&- &
if [ "$input" = once ]; then
  # Its end is for the machine's first process to see: what ARGV becomes waits for its own child only.
  (head -c 1 <&7 >/dev/null 2>&1 3>&- 4<&- 5>&- 7<&- 8>&- &)
fi
exec "$@" 4<&- 5>&- 6>&- 7<&-
