import { isAppError } from "#core/errors.ts";
import type { JsonObject } from "#core/json.ts";
import type { Node, Taint } from "#proto/podwire/v1/resources.ts";
import { type ChangeOptions, changeFlags, mergePatch } from "../change.ts";
import { type Change, changeEach } from "../change-each.ts";
import { refuseWholeKind } from "../find.ts";
import { getOne, type Item } from "../objects.ts";
import { applyTaints, parseTaintWords, type TaintChanges } from "../taints.ts";
import { parseTargets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface TaintOptions extends ChangeOptions {
  readonly overwrite?: boolean;
  readonly all?: boolean;
  readonly selector?: string;
}

export const taintVerb: Verb<TaintOptions> = {
  usage: "(node NODE… | node/NODE… | nodes --all | nodes -l LABELS) KEY=VALUE:EFFECT… KEY:EFFECT-… KEY-… [flags]",
  description: `Taint nodes, so that only pods with a matching toleration come there (NoSchedule, PreferNoSchedule) or stay there (NoExecute).
A "-" behind a taint takes it away.`,
  examples: `
    # Set one, take it away, take away all of a key
    podwire taint nodes node-1 gpu=yes:NoSchedule
    podwire taint nodes node-1 gpu:NoSchedule-
    podwire taint nodes node-1 gpu-

    # Each node of a zone
    podwire taint nodes -l zone=a maintenance=now:NoExecute`,
  flags(command) {
    command
      .option("--overwrite", "change a taint that is there already")
      .option("--all", "all nodes")
      .option("-l, --selector <labels>", "the nodes with these labels");
    changeFlags(command);
  },
  async run(invocation) {
    const { options, signal } = invocation;
    const words = [...invocation.args, ...(invocation.afterDashes ?? [])];
    const at = words.findIndex((word) => /[:=]|-$/.test(word));
    if (at === -1) throw new UsageError("at least one taint update is required");
    const changes = parseTaintWords(words.slice(at));
    const targets = parseTargets(words.slice(0, at), "taint");
    const kinds = targets.how === "kinds" ? targets.kinds : targets.names.map(({ kind }) => kind);
    const other = kinds.find((kind) => kind.kind !== "Node");
    if (other !== undefined) throw new UsageError(`invalid resource type ${other.plural}, only node types are supported`);
    refuseWholeKind(targets, options);
    const { selector, overwrite = false } = options;
    return changeEach(invocation, { targets, namespace: "", selector }, (item, change) =>
      taintNode(item, { ...change, changes, overwrite }, signal),
    );
  },
};

interface TaintRequest extends Change {
  readonly changes: TaintChanges;
  readonly overwrite: boolean;
}

const attemptsMax = 5;

/** What is wrong, where something is. */
async function taintNode(first: Item, request: TaintRequest, signal: AbortSignal): Promise<string | undefined> {
  const { changer, connection, changes, overwrite } = request;
  let item = first;
  for (let attempt = 1; ; attempt++) {
    const { metadata, spec } = item.object as Node;
    const result = applyTaints(spec?.taints ?? [], changes, { overwrite, node: metadata?.name ?? "" });
    if ("problem" in result) return result.problem;
    const taints = result.taints.map(taintJson);
    // The list is replaced as a whole: at another version it would undo what somebody else has set meanwhile.
    const version: JsonObject =
      metadata?.resourceVersion === undefined ? {} : { metadata: { resourceVersion: metadata.resourceVersion } };
    try {
      const { item: after } = await changer.patch(
        item,
        mergePatch({ ...version, spec: { taints: taints.length === 0 ? null : taints } }),
      );
      await changer.report(after, result.done);
      return undefined;
    } catch (error) {
      if (!isAppError(error, "conflict") || attempt === attemptsMax) throw error;
      item = await getOne(connection, { kind: item.kind, namespace: "", name: metadata?.name ?? "" }, signal);
    }
  }
}

function taintJson({ key, value, effect, timeAdded }: Taint): JsonObject {
  return {
    key: key ?? "",
    effect: effect ?? "",
    ...(value === undefined ? {} : { value }),
    ...(timeAdded === undefined ? {} : { timeAdded }),
  };
}
