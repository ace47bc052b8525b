/* Which container a verb means: the one that -c names, or the pod's default with a word about the choice. */

import { podKind } from "#core/objects/pod.ts";
import { defaultContainer } from "#core/objects/pod-containers.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { Connection } from "../connect.ts";
import { getOne } from "../objects.ts";
import type { Printer } from "../printer.ts";

export interface ContainerChoice {
  readonly namespace: string;
  readonly pod: string;
  /** "" where the user named none. */
  readonly container: string;
  readonly quiet: boolean;
}

export interface ChoiceContext {
  readonly connection: Connection;
  readonly printer: Printer;
  readonly signal: AbortSignal;
}

export async function getPod(connection: Connection, namespace: string, name: string, signal: AbortSignal): Promise<Pod> {
  return (await getOne(connection, { kind: podKind, namespace, name }, signal)).object as Pod;
}

export async function chooseContainer(choice: ContainerChoice, { connection, printer, signal }: ChoiceContext): Promise<string> {
  if (choice.container !== "") return choice.container;
  const { name, notes } = defaultContainer(await getPod(connection, choice.namespace, choice.pod, signal));
  if (!choice.quiet) for (const note of notes) await printer.printError(`${note}\n`);
  return name;
}
