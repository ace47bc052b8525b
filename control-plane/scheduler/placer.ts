/* Places pods one after another, each as `schedule` would, without a look at every node for every pod. Pods of one template ask for the same:
 * what of a node does not depend on its pods is found out once for all of them, and the nodes stand in a heap, the best first. A node only
 * gets fuller while pods are placed, so a place in the heap is at most too good, and is put right when it comes up. */

import { createHeap, type Heap } from "#core/heap.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { addPod, demandOf, type NodeUsage } from "./node-usage.ts";
import { type Candidate, candidateOf, type Decision, isBetter, refusalsOf, schedule, standingRefusal } from "./schedule.ts";

interface Choice {
  readonly node: Node;
  readonly candidate: Candidate;
}

/** For all pods that ask for the same. */
interface Shape {
  readonly choices: Heap<Choice>;
  /** The last refusal, and how many pods had been placed then. */
  refused?: { readonly placed: number; readonly decision: Decision };
}

/** Answers what places the next pod. `usage` becomes the placer's, which adds each pod that it places. */
export function createPlacer(nodes: readonly Node[], usage: Map<string, NodeUsage>): (pod: Pod) => Decision {
  const shapes = new Map<string, Shape>();
  let placed = 0;

  const shapeFor = (pod: Pod): Shape => {
    const text = shapeOf(pod);
    const known = shapes.get(text);
    if (known !== undefined) return known;
    const standing = nodes.filter((node) => standingRefusal(pod, node) === undefined);
    const choices = standing.map((node) => ({ node, candidate: candidateOf(pod, node, usage) }));
    const shape = { choices: createHeap(choices, (a, b) => isBetter(a.candidate, b.candidate)) };
    shapes.set(text, shape);
    return shape;
  };

  return (pod) => {
    const shape = shapeFor(pod);
    const { choices } = shape;
    for (let best = choices.first; best !== undefined; best = choices.first) {
      const { node, candidate } = best;
      const of = usage.get(candidate.name);
      if ((of?.podCount ?? 0) !== candidate.podCount) {
        choices.replaceFirst({ node, candidate: { ...candidate, podCount: of?.podCount ?? 0 } });
      } else if (refusalsOf(pod, node, of).length > 0) {
        choices.pop();
      } else {
        addPod(usage, candidate.name, pod);
        placed += 1;
        return { node: candidate.name };
      }
    }
    if (shape.refused?.placed !== placed) shape.refused = { placed, decision: schedule({ pod, nodes, usage }) };
    return shape.refused.decision;
  };
}

const shapes = new WeakMap<Pod, string>();

/** All of a pod that `schedule` looks at. */
function shapeOf(pod: Pod): string {
  const known = shapes.get(pod);
  if (known !== undefined) return known;
  const { tolerations, nodeSelector, affinity, hostNetwork } = pod.spec ?? {};
  const { requests, hostPorts } = demandOf(pod);
  const quantities = [...requests].map(([name, quantity]) => [name, String(quantity)]);
  const shape = JSON.stringify([tolerations, nodeSelector, affinity, hostNetwork, quantities, hostPorts]);
  shapes.set(pod, shape);
  return shape;
}
