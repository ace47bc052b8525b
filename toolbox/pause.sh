# Holds a pod open and does nothing, for a tiny part of what a Node process costs; ends at once when it is told to, as Kubernetes' own does.
trap 'exit 0' TERM INT
sleep infinity &
while :; do wait; done
