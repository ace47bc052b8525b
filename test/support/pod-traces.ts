import type { Cluster } from "./cluster.ts";

/** Everything on a node that is a pod's, in words: namespaces, devices, routes, set elements, folders. */
export async function podTraces(cluster: Cluster, node: string): Promise<string[]> {
  const [netns, devices, routes, ruleset, folders] = await Promise.all([
    cluster.onHost(node, "ls", "/run/netns"),
    cluster.onHost(node, "ip", "-o", "link"),
    cluster.onHost(node, "ip", "route"),
    cluster.onHost(node, "nft", "list", "ruleset"),
    cluster.onHost(node, "ls", `${cluster.dir}/state/${node}/pods`),
  ]);
  return [
    ...(netns.match(new RegExp(`^.*${node}.+$`, "gm")) ?? []),
    ...(devices.match(/pw[a-z]*-?[0-9a-f]{8,}/g) ?? []),
    ...(routes.match(/^10\.244\.[0-9]+\.[0-9]+ dev .*$/gm) ?? []),
    ...(ruleset.match(/"pw[a-z]*-?[0-9a-f]{8,}" \. [0-9.]+/g) ?? []),
    ...folders.split("\n").filter((name) => name !== ""),
  ];
}
