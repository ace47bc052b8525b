/* Changes the objects that a verb's words mean, one after the other. What can't be changed, or isn't there, holds nothing else up: it is told
 * in the end, and is the exit code. */

import { type ChangeOptions, type Changer, createChanger } from "./change.ts";
import { type Connection, connect } from "./connect.ts";
import { type FindRequest, findObjects } from "./find.ts";
import type { Item } from "./objects.ts";
import type { Invocation } from "./verb.ts";

export interface Change {
  readonly changer: Changer;
  readonly connection: Connection;
}

/** `change` answers with what is wrong, or nothing. Resolves to the exit code. */
export async function changeEach<O extends ChangeOptions>(
  invocation: Invocation<O>,
  request: FindRequest,
  change: (item: Item, change: Change) => Promise<string | undefined>,
): Promise<number> {
  const { printer, signal } = invocation;
  using connection = await connect(invocation);
  const { items, failures } = await findObjects(connection, request, signal);
  const changer = createChanger(invocation, connection);
  const problems = [...failures];
  for (const item of items) {
    const problem = await change(item, { changer, connection });
    if (problem !== undefined) problems.push(`error: ${problem}`);
  }
  for (const problem of problems) await printer.printError(`${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}
