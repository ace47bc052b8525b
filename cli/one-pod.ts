import { kinds } from "#core/objects/kinds.ts";
import { parseOneTarget } from "./targets.ts";
import { UsageError } from "./usage-error.ts";

/** The pod's name in `web` or `pod/web`. */
export function onePod(word: string): string {
  const podKind = kinds.find((kind) => kind.kind === "Pod");
  if (podKind === undefined) throw new Error("there is no kind Pod");
  const { kind, name } = parseOneTarget(word, podKind);
  if (kind !== podKind) throw new UsageError(`${word} is no pod: want POD or pod/NAME`);
  return name;
}
