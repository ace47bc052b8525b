/* `cordon` and `uncordon`: the same verb for the two values of a node's spec.unschedulable. */

import type { Node } from "#proto/podwire/v1/resources.ts";
import { type ChangeOptions, type Changer, changeFlags, createChanger, mergePatch } from "./change.ts";
import { connect } from "./connect.ts";
import { findObjects } from "./find.ts";
import type { Item } from "./objects.ts";
import { kindOf, type Targets } from "./targets.ts";
import { UsageError } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

export interface SchedulableOptions extends ChangeOptions {
  readonly selector?: string;
}

export interface SchedulableVerb {
  readonly unschedulable: boolean;
  readonly done: "cordoned" | "uncordoned";
  readonly description: string;
  readonly examples: string;
}

export function schedulableVerb({ unschedulable, done, description, examples }: SchedulableVerb): Verb<SchedulableOptions> {
  return {
    usage: "(NODE… | -l LABELS) [flags]",
    description,
    examples,
    flags(command) {
      command.option("-l, --selector <labels>", "the nodes with these labels");
      changeFlags(command);
    },
    async run(invocation) {
      const { options, printer, signal } = invocation;
      const targets = nodeTargets([...invocation.args, ...(invocation.afterDashes ?? [])], options.selector);
      using connection = await connect(invocation);
      const { items, failures } = await findObjects(connection, { targets, namespace: "", selector: options.selector }, signal);
      const changer = createChanger(invocation, connection);
      for (const item of items) await setSchedulable(changer, item, { unschedulable, done });
      for (const failure of failures) await printer.printError(`${failure}\n`);
      return failures.length === 0 ? 0 : 1;
    },
  };
}

/** Changes the node where it has to, and says what became of it. */
export async function setSchedulable(
  changer: Changer,
  item: Item,
  { unschedulable, done }: Pick<SchedulableVerb, "unschedulable" | "done">,
): Promise<void> {
  if (((item.object as Node).spec?.unschedulable ?? false) === unschedulable) {
    await changer.report(item, `already ${done}`);
    return;
  }
  // Absent, as Kubernetes stores it, and not false.
  const patch = mergePatch({ spec: { unschedulable: unschedulable ? true : null } });
  await changer.report((await changer.patch(item, patch)).item, done);
}

export function nodeTargets(words: readonly string[], selector: string | undefined): Targets {
  const kind = kindOf("nodes");
  if (selector !== undefined) {
    if (words.length > 0) throw new UsageError("cannot specify both a node name and a --selector option");
    return { how: "kinds", kinds: [kind] };
  }
  if (words.length === 0) throw new UsageError("want NODE… or -l LABELS", { inFlags: true });
  return { how: "names", names: words.map((word) => ({ kind, name: word.replace(/^(nodes?|no)\//, "") })) };
}
