/* `podwire set image`: new images for containers, of a pod or of the template of pods. */

import { isJsonObject, type JsonObject } from "#core/json.ts";
import { type ChangeOptions, changeFlags } from "../change.ts";
import { changeEach } from "../change-each.ts";
import { refuseWholeKind } from "../find.ts";
import type { Item } from "../objects.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";

interface SetOptions extends ChangeOptions, FileOptions {
  readonly selector?: string;
  readonly all?: boolean;
}

export const setVerb: Verb<SetOptions> = {
  usage: "image (KIND NAME… | KIND/NAME… | -f FILE) CONTAINER=IMAGE… [flags]",
  description: "Set the images of containers; * stands for every container. A Deployment then replaces its pods step by step.",
  examples: `
    # One container, all of them
    podwire set image deploy/web web=registry.k8s.io/e2e-test-images/agnhost:2.53
    podwire set image deploy/web '*=registry.k8s.io/e2e-test-images/agnhost:2.53'`,
  flags(command) {
    fileFlags(command);
    command.option("-l, --selector <labels>", "those with these labels").option("--all", "all of the kind in the namespace");
    changeFlags(command);
  },
  async run(invocation) {
    const { options, globals } = invocation;
    const [what, ...words] = [...invocation.args, ...(invocation.afterDashes ?? [])];
    if (what !== "image") {
      throw new UsageError(`want "set image"${what === undefined ? "" : `: there is no "set ${what}"`}`, { inFlags: true });
    }
    const images = imagesOf(words.filter((word) => word.includes("=")));
    const targets = await readTargets(invocation, { verb: "set image", words: words.filter((word) => !word.includes("=")) });
    refuseWholeKind(targets, options);
    const { selector } = options;
    return changeEach(invocation, { targets, namespace: globals.namespace, selector }, async (item, { changer }) => {
      const patch = imagePatch(item, images);
      if (typeof patch === "string") return patch;
      const { item: after, changed } = await changer.patch(item, { type: "strategic", json: JSON.stringify(patch) });
      if (changed) await changer.report(after, "image updated");
      return undefined;
    });
  },
};

/** From `CONTAINER=IMAGE`. */
export function imagesOf(words: readonly string[]): ReadonlyMap<string, string> {
  if (words.length === 0) throw new UsageError("at least one image update is required");
  return new Map(
    words.map((word) => {
      const [, container = "", image = ""] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
      if (container === "") throw new UsageError(`${JSON.stringify(word)} is no CONTAINER=IMAGE`);
      return [container, image];
    }),
  );
}

/** The strategic patch of the item, or what is wrong. */
export function imagePatch({ kind, object }: Item, images: ReadonlyMap<string, string>): JsonObject | string {
  const spec = objectIn(kind.toJson(object), "spec");
  const template = objectIn(spec, "template");
  const pod = template === undefined ? spec : objectIn(template, "spec");
  const lists = ["containers", "initContainers"].map((list) => [list, namesIn(pod?.[list])] as const);
  const known = lists.flatMap(([, names]) => names);
  if (known.length === 0) return `${kind.plural} have no containers`;
  const unknown = [...images.keys()].find((name) => name !== "*" && !known.includes(name));
  if (unknown !== undefined) return `unable to find container named ${JSON.stringify(unknown)}`;
  const changes = lists.flatMap(([list, names]) => {
    const changed = names.flatMap((name) => {
      const image = images.get(name) ?? images.get("*");
      return image === undefined ? [] : [{ name, image }];
    });
    return changed.length === 0 ? [] : [[list, changed] as const];
  });
  const podPatch = Object.fromEntries(changes);
  return { spec: template === undefined ? podPatch : { template: { spec: podPatch } } };
}

function objectIn(json: unknown, field: string): JsonObject | undefined {
  const value = isJsonObject(json) ? json[field] : undefined;
  return isJsonObject(value) ? value : undefined;
}

function namesIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => (isJsonObject(one) && typeof one.name === "string" ? [one.name] : []));
}
