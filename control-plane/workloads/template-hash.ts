/* Kubernetes' names of ReplicaSets: a hash of the template in the alphabet of generated names. It needs no more than to differ: where
 * it doesn't, the Deployment counts the collision and hashes again. Pure. */

import { PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { suffixAlphabet } from "../ids.ts";

export function templateHash(template: PodTemplateSpec | undefined, collisionCount: number | undefined): string {
  const text = `${JSON.stringify(PodTemplateSpec.toJSON(template ?? { metadata: undefined, spec: undefined }))}${collisionCount ?? ""}`;
  const digits = String(fnv1a(text));
  return Array.from(digits, (digit) => suffixAlphabet[digit.charCodeAt(0) % suffixAlphabet.length]).join("");
}

/** FNV-1a of 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
