/* `podwire edit`: an object as YAML in the user's editor; what changed goes to the control plane as a merge patch, so that whatever
 * else changed meanwhile stays. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAppError, messageOf } from "#core/errors.ts";
import { isJsonObject, type JsonObject } from "#core/json.ts";
import { type ChangeOptions, type Changer, createChanger, mergePatch } from "../change.ts";
import { connect } from "../connect.ts";
import { bodyOf, editorText, editorWords, parseBody } from "../edited-file.ts";
import { findObjects } from "../find.ts";
import { mergeDiff } from "../merge-diff.ts";
import type { Item } from "../objects.ts";
import { documentOf, yamlText } from "../output/documents.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { isRemote, serverError } from "../report.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";

type EditOptions = FileOptions & ChangeOptions;

export const editVerb: Verb<EditOptions> = {
  usage: "(KIND NAME | KIND/NAME | -f FILE) [flags]",
  description: "Change an object in an editor: that of KUBE_EDITOR or EDITOR, or vi.",
  examples: `
    # A pod's labels, a node's taints
    podwire edit pod web
    EDITOR='code --wait' podwire edit node/node-1`,
  flags: fileFlags,
  async run(invocation) {
    const { printer, globals, signal } = invocation;
    const targets = await readTargets(invocation, { verb: "edit" });
    if (targets.how === "kinds") throw new UsageError("resource(s) were provided, but no name was specified");
    using connection = await connect(invocation);
    const { items, failures } = await findObjects(connection, { targets, namespace: globals.namespace }, signal);
    const changer = createChanger(invocation, connection);
    let failed = failures.length > 0;
    for (const item of items) if (!(await editOne(invocation, { item, changer }))) failed = true;
    for (const failure of failures) await printer.printError(`${failure}\n`);
    return failed ? 1 : 0;
  },
};

interface EditRequest {
  readonly item: Item;
  readonly changer: Changer;
}

/** False where changes were made that could not be written. */
async function editOne(invocation: Invocation<EditOptions>, { item, changer }: EditRequest): Promise<boolean> {
  const { printer } = invocation;
  const original = documentOf(item);
  const text = await yamlText(original);
  const folder = await mkdtemp(join(tmpdir(), "podwire-edit-"));
  const file = join(folder, `${item.kind.singular}-${item.object.metadata?.name ?? ""}.yaml`);
  let keepsFile = false;
  try {
    let problem: string | undefined;
    for (let before = text; ; ) {
      const body = await openEditor(invocation, { file, text: editorText(before, problem) });
      if (body.trim() === "") return await say("Edit cancelled, saved file was empty.", problem === undefined);
      if (body === before) {
        if (problem === undefined) return await say("Edit cancelled, no changes made.", true);
        await printer.printError(`${problem}\n`);
        await keep();
        return await say("error: Edit cancelled, no valid changes were saved.", false);
      }
      try {
        problem = await write(body);
      } catch (error) {
        await keep();
        throw error;
      }
      if (problem === undefined) return true;
      before = body;
    }
  } finally {
    if (!keepsFile) await rm(folder, { recursive: true, force: true });
  }

  async function keep(): Promise<void> {
    keepsFile = true;
    await printer.printError(`A copy of your changes has been stored to ${JSON.stringify(file)}\n`);
  }

  async function say(line: string, fine: boolean): Promise<boolean> {
    await printer.printError(`${line}\n`);
    return fine;
  }

  /** Why it can't be written, where that can be mended in the editor. */
  async function write(body: string): Promise<string | undefined> {
    const edited = parseBody(body);
    if (typeof edited === "string") return `error: ${edited}`;
    if (identityOf(edited) !== identityOf(original)) return "error: apiVersion, kind, name and namespace can't be changed";
    const patch = mergeDiff(original, edited);
    if (patch === undefined) {
      await say("Edit cancelled, no changes made.", true);
      return undefined;
    }
    try {
      const { item: after } = await changer.patch(item, mergePatch(patch));
      await changer.report(after, "edited");
      return undefined;
    } catch (error) {
      if (!isAppError(error, "invalid", "conflict", "forbidden") || !isRemote(error)) throw error;
      return serverError(error);
    }
  }
}

function identityOf({ apiVersion, kind, metadata }: JsonObject): string {
  const { name, namespace } = isJsonObject(metadata) ? metadata : {};
  return JSON.stringify([apiVersion, kind, name, namespace]);
}

/** What the user saved, without our lines. */
async function openEditor(
  { context, signal }: Invocation,
  { file, text }: { readonly file: string; readonly text: string },
): Promise<string> {
  const command = context.env.KUBE_EDITOR || context.env.EDITOR || "vi";
  if (context.runInForeground === undefined) throw new UsageError("there is no terminal to edit in: use patch or apply");
  await writeFile(file, text, { mode: 0o600 });
  const exitCode = await context.runInForeground([...editorWords(command), file], signal).catch((error) => {
    signal.throwIfAborted();
    throw new UsageError(`unable to launch the editor ${JSON.stringify(command)}: ${messageOf(error)} (set EDITOR)`);
  });
  if (exitCode !== 0)
    throw new UsageError(`there was a problem with the editor ${JSON.stringify(command)}: it ended with exit code ${exitCode}`);
  return bodyOf(await readFile(file, "utf8"));
}
