/* Says in Events what becomes of nodes: they register, get ready and not ready, and are removed. What it remembers is what it said last;
 * it begins with how things are, and says nothing of that. */

import { nodeKind } from "#core/objects/node.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, type Happening, referenceTo } from "../events/recorder.ts";
import { isReady } from "../state/conditions.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, metadataOf, nameOf } from "../state/objects.ts";

export function nodeEvents({ store, events }: Surroundings & { readonly events: EventRecorder }): Loop {
  let before: ReadonlyMap<string, Node> | undefined;
  return {
    name: "node events",
    prefixes: ["nodes/"],
    async run() {
      const now = new Map(listObjects(store, nodeKind).map(({ object }) => [metadataOf(object).uid ?? "", object]));
      if (before !== undefined) for (const happening of happeningsOf(before, now)) events.record(happening);
      before = now;
      return undefined;
    },
  };
}

/** By uid, the nodes as they were and as they are. */
export function happeningsOf(before: ReadonlyMap<string, Node>, now: ReadonlyMap<string, Node>): readonly Happening[] {
  const happenings: Happening[] = [];
  const say = (node: Node, reason: string, message: string) =>
    happenings.push({ about: referenceTo(nodeKind, node), type: "Normal", reason, message, component: "node-controller" });
  for (const [uid, node] of now) {
    const name = nameOf(node);
    const old = before.get(uid);
    if (old === undefined) say(node, "RegisteredNode", `Node ${name} event: Registered Node ${name} in Controller`);
    const [was, is] = [old !== undefined && isReady(old), isReady(node)];
    if (is && !was) say(node, "NodeReady", `Node ${name} status is now: NodeReady`);
    if (was && !is) say(node, "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
  }
  for (const [uid, node] of before) {
    const name = nameOf(node);
    if (!now.has(uid)) say(node, "RemovingNode", `Node ${name} event: Removing Node ${name} from Controller`);
  }
  return happenings;
}
