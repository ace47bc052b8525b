/* One workload's next step as one commit: its pods and its status change together or not at all, so that a control plane which is killed
 * between two of them goes on where it was. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { podKind } from "#core/objects/pod.ts";
import { formatProblem } from "#core/objects/problem.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { recommendedTo } from "../autoscaling/vertical/for-owner.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import type { Ids } from "../ids.ts";
import { endingOf } from "../server/delete.ts";
import { removalOf } from "../server/removal.ts";
import type { Surroundings } from "../state/follow.ts";
import { type Found, findObject, metadataOf, nameOf, putObject, sameObject, unchanged } from "../state/objects.ts";
import type { Check, Write } from "../store/store.ts";
import { claim } from "./claims.ts";
import type { Step } from "./commits.ts";
import { readTemplates, templateWrites } from "./kept-templates.ts";
import { openNamespace } from "./open-namespace.ts";
import { controllerReference, withOwner, withoutOwners } from "./owners.ts";
import { podFromTemplate } from "./pod-from-template.ts";
import type { NewPod, Saying, Workload, WorkloadPlan } from "./workload.ts";

export interface StepInput<T extends ApiObject> {
  readonly owner: Found<T>;
  readonly candidates: readonly Found<Pod>[];
  readonly nodes: readonly Node[];
}

export interface StepContext extends Omit<Surroundings, "rng" | "log"> {
  readonly ids: Ids;
  readonly events: EventRecorder;
}

export interface WorkloadStep extends Step {
  /** When time alone asks for the next one. */
  readonly dueMs: number | undefined;
  /** What was planned could not be done as it is: the next look is not to wait for a change. */
  readonly failed: boolean;
}

export function workloadStep<T extends ApiObject>(
  workload: Workload<T>,
  { owner, candidates, nodes }: StepInput<T>,
  context: StepContext,
): WorkloadStep {
  const { store, clock } = context;
  const { kind, component } = workload;
  const entries = new Map(candidates.map(({ object, entry }) => [object, entry]));
  const selector = workload.selectorOf(owner.object);
  const members = [...entries.keys()].filter((pod) => workload.isMember?.(owner.object, pod) ?? true);
  const { owned, adopt, release } = claim({ owner: owner.object, selector, candidates: members });
  const home = openNamespace(store, metadataOf(owner.object).namespace);
  const templates = readTemplates(store, kind, owner.object);
  const plan = (canCreate: boolean) =>
    workload.plan({ owner: owner.object, pods: [...owned, ...adopt], nodes, canCreate, templates, clock });
  const hoped = plan(home !== undefined);
  const made = makePods(workload, owner.object, { wanted: hoped.create, context });
  const decided = made.ok ? hoped : plan(false);
  const pods = made.ok ? made.pods : [];
  const touched = [...adopt, ...release, ...decided.remove, ...(decided.change ?? []).map(({ from }) => from)];
  const checks: Check[] = [
    unchanged(owner.entry),
    ...[...new Set(touched.flatMap((pod) => entries.get(pod) ?? []))].map(unchanged),
    ...(pods.length > 0 && home !== undefined ? [unchanged(home.entry)] : []),
    ...pods.map((pod) => ({ key: keyOf(podKind, pod.metadata?.namespace, nameOf(pod)), is: "absent" }) as const),
  ];
  const writes = [
    ...pods.map((pod) => putObject(podKind, pod)),
    ...podWrites(decided, { kind, owner: owner.object, adopt, release, context }),
    ...ownWrites(decided, { kind, owner: owner.object, context }),
    ...(decided.templates === undefined
      ? []
      : templateWrites({ kind, owner: owner.object, before: templates, after: decided.templates })),
  ];
  const says: readonly Saying[] = [
    ...pods.map((pod) => normal("SuccessfulCreate", workload.says("created", nameOf(pod), owner.object))),
    ...decided.remove.map((pod) => normal("SuccessfulDelete", workload.says("deleted", nameOf(pod), owner.object))),
    ...(decided.says ?? []),
  ];
  const tell = (saying: Saying) => context.events.record({ about: referenceTo(kind, owner.object), component, ...saying });
  if (!made.ok) tell({ type: "Warning", reason: "FailedCreate", message: `Error creating: ${made.message}` });
  return { commit: { checks, writes }, dueMs: decided.dueMs, failed: !made.ok, done: () => says.forEach(tell) };
}

function normal(reason: string, message: string): Saying {
  return { type: "Normal", reason, message };
}

type MadePods = { readonly ok: true; readonly pods: readonly Pod[] } | { readonly ok: false; readonly message: string };

function makePods<T extends ApiObject>(
  { kind }: Workload<T>,
  owner: T,
  { wanted, context }: { readonly wanted: readonly NewPod[]; readonly context: StepContext },
): MadePods {
  if (wanted.length === 0) return { ok: true, pods: [] };
  const pods = new Map<string, Pod>();
  const spec = recommendedTo(context.store, kind, owner);
  for (const request of wanted) {
    const made = podFromTemplate({ kind, owner, ...request, spec }, context);
    if (!made.ok) {
      const name = request.metadata?.name ?? `${nameOf(owner)}-`;
      return { ok: false, message: `Pod "${name}" is invalid: ${made.problems.map(formatProblem).join(", ")}` };
    }
    const name = nameOf(made.pod);
    const { namespace } = metadataOf(owner);
    // A generated name that is taken is another one the next time; a name that was chosen waits for who has it.
    if (findObject(context.store, podKind, { namespace, name }) !== undefined) {
      return { ok: false, message: `pods "${name}" already exists` };
    }
    pods.set(name, made.pod);
  }
  return { ok: true, pods: [...pods.values()] };
}

interface Belonging<T extends ApiObject> {
  readonly kind: Kind<T>;
  readonly owner: T;
  readonly context: StepContext;
}

interface Claimed<T extends ApiObject> extends Belonging<T> {
  readonly adopt: readonly Pod[];
  readonly release: readonly Pod[];
}

function podWrites<T extends ApiObject>(
  { remove, change = [] }: WorkloadPlan<T>,
  { kind, owner, adopt, release, context }: Claimed<T>,
): readonly Write[] {
  const reference = controllerReference(kind, owner);
  const changed = new Map(change.map(({ from, to }) => [from, to]));
  const next = (pod: Pod) => {
    const to = changed.get(pod) ?? pod;
    return adopt.includes(pod) ? withOwner(to, reference) : to;
  };
  const removed = new Set(remove);
  const ending = { store: context.store, nowMs: context.clock.wallMs(), gracePeriodSeconds: undefined };
  const rewritten = new Set([...adopt, ...changed.keys()].filter((pod) => !removed.has(pod)));
  const writable = podKind as unknown as Kind;
  return [
    ...remove.flatMap((pod) => {
      const { writes } = endingOf(writable, next(pod), ending);
      return writes.length > 0 || next(pod) === pod ? writes : [putObject(podKind, next(pod))];
    }),
    // Who takes the last finalizer from a pod that waited for it only, removes it.
    ...[...rewritten].flatMap((pod) => removalOf(writable, next(pod)) ?? [putObject(podKind, next(pod))]),
    ...release.map((pod) => putObject(podKind, withoutOwners(pod, new Set([reference.uid ?? ""])))),
  ];
}

function ownWrites<T extends ApiObject>({ next }: WorkloadPlan<T>, { kind, owner, context }: Belonging<T>): readonly Write[] {
  if (next !== "gone") return sameObject(kind, next, owner) ? [] : [putObject(kind, next)];
  const ending = { store: context.store, nowMs: context.clock.wallMs(), gracePeriodSeconds: undefined };
  return endingOf(kind as unknown as Kind, owner, ending).writes;
}
