/* What a deletion means for the objects that the deleted one owns. It is written down as a finalizer, so that no restart forgets it. */

import { invalid } from "#core/errors.ts";

export type Propagation = "Background" | "Foreground" | "Orphan";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

const finalizerOf: Readonly<Record<Propagation, readonly string[]>> = {
  Background: [],
  Foreground: [foregroundFinalizer],
  Orphan: [orphanFinalizer],
};

/** Undefined where the request leaves it to the object's own finalizers. Throws where it is no such word. */
export function parsePropagation(text: string | undefined): Propagation | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "Background" || text === "Foreground" || text === "Orphan") return text;
  const detail = 'needs to be one of "Foreground", "Background", "Orphan"';
  throw invalid(`propagationPolicy: Invalid value: ${JSON.stringify(text)}: ${detail}`, { field: "propagationPolicy" });
}

export function withPropagation(finalizers: readonly string[], propagation: Propagation | undefined): readonly string[] {
  if (propagation === undefined) return finalizers;
  const others = finalizers.filter((finalizer) => finalizer !== foregroundFinalizer && finalizer !== orphanFinalizer);
  return [...others, ...finalizerOf[propagation]];
}
