/* `podwire scale`: sets spec.replicas, of whatever kind has it. */

import { isJsonObject, type JsonObject, own } from "#core/json.ts";
import type { Kind } from "#core/objects/kind.ts";
import { schema } from "#core/objects/schema.gen.ts";
import { type ChangeOptions, changeFlags, mergePatch } from "../change.ts";
import { changeEach } from "../change-each.ts";
import { integerFlag } from "../duration.ts";
import { refuseWholeKind } from "../find.ts";
import type { Item } from "../objects.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";

interface ScaleOptions extends ChangeOptions, FileOptions {
  readonly replicas?: number;
  readonly currentReplicas?: number;
  readonly resourceVersion?: string;
  readonly selector?: string;
  readonly all?: boolean;
}

export const scaleVerb: Verb<ScaleOptions> = {
  usage: "--replicas=COUNT (KIND NAME… | KIND/NAME… | -f FILE) [flags]",
  description: "Set how many pods a Deployment, ReplicaSet or StatefulSet has.",
  examples: `
    # Nine pods
    podwire scale deploy/web --replicas=9

    # Nine, if there are three
    podwire scale deploy/web --current-replicas=3 --replicas=9`,
  flags(command) {
    fileFlags(command);
    command
      .option("--replicas <count>", "how many pods; required", integerFlag("--replicas"))
      .option("--current-replicas <count>", "only where there are so many now", integerFlag("--current-replicas"))
      .option("--resource-version <version>", "only where the object has this version")
      .option("-l, --selector <labels>", "those with these labels")
      .option("--all", "all of the kind in the namespace");
    changeFlags(command);
  },
  async run(invocation) {
    const { options, globals } = invocation;
    const { replicas, currentReplicas, resourceVersion } = options;
    if (replicas === undefined) throw new UsageError('required flag(s) "replicas" not set');
    if (replicas < 0) {
      throw new UsageError("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    }
    const targets = await readTargets(invocation, { verb: "scale" });
    refuseWholeKind(targets, options);
    const kinds = targets.how === "kinds" ? targets.kinds : targets.names.map(({ kind }) => kind);
    const other = kinds.find((kind) => !isScalable(kind));
    if (other !== undefined) throw new UsageError(`cannot scale ${other.plural}: they have no spec.replicas`);
    const version: JsonObject = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
    const { selector } = options;
    return changeEach(invocation, { targets, namespace: globals.namespace, selector }, async (item, { changer }) => {
      const has = replicasOf(item);
      if (currentReplicas !== undefined && currentReplicas >= 0 && has !== currentReplicas) {
        return `Expected replicas to be ${currentReplicas}, was ${has}`;
      }
      const { item: after } = await changer.patch(item, mergePatch({ spec: { replicas }, ...version }));
      await changer.report(after, "scaled");
      return undefined;
    });
  },
};

function isScalable({ kind }: Kind): boolean {
  return Object.hasOwn(own(schema, `${kind}Spec`) ?? {}, "replicas");
}

function replicasOf({ kind, object }: Item): number {
  const json = kind.toJson(object);
  const spec = isJsonObject(json) ? json.spec : undefined;
  return isJsonObject(spec) && typeof spec.replicas === "number" ? spec.replicas : 1;
}
