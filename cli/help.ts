import type { VerbEntry } from "./verb.ts";

/** What `podwire` alone prints: the verbs by group. */
export function overview(all: readonly VerbEntry[], groups: readonly VerbEntry["group"][]): string {
  const verbs = all.filter((verb) => verb.hidden !== true);
  const width = Math.max(...verbs.map((verb) => verb.name.length));
  const sections = groups.flatMap((group) => {
    const lines = verbs.filter((verb) => verb.group === group).map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`);
    return lines.length === 0 ? [] : [`${group}:\n${lines.join("\n")}\n`];
  });
  return [
    "podwire emulates the network of a Kubernetes cluster: real pods and real sockets, on several hosts of one machine.\n",
    ...sections,
    'Usage:\n  podwire VERB [flags]\n\nUse "podwire help VERB" for a verb\'s flags and examples.\n',
  ].join("\n");
}
