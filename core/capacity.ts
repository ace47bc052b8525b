/* What a node says that it has, as flags give it: "cpu=2,memory=1Gi,pods=20". */

import { invalid } from "./errors.ts";
import { canonicalQuantity, parseQuantity, quantityProblem } from "./quantity.ts";

const resources = ["cpu", "memory", "pods"];

/** Throws "invalid" with the flag's name. */
export function parseCapacity(flag: string, text: string): Record<string, string> {
  const capacity: Record<string, string> = {};
  for (const part of text.split(",").filter((piece) => piece !== "")) {
    const [, name = "", quantity = ""] = /^([^=]+)=(.+)$/.exec(part) ?? [];
    if (!resources.includes(name)) throw invalid(`${flag} "${part}": want RESOURCE=QUANTITY with one of ${resources.join(", ")}`);
    const problem = quantityProblem(quantity);
    if (problem !== undefined) throw invalid(`${flag} "${part}": ${problem}`);
    if (parseQuantity(quantity) <= 0n) throw invalid(`${flag} "${part}": want more than nothing`);
    capacity[name] = canonicalQuantity(quantity);
  }
  return capacity;
}
