/* What `edit` writes for the editor and how it reads it back. Lines that begin with # are ours. */

import type { JsonObject } from "#core/json.ts";
import { parseManifests } from "./manifests.ts";

const intro = [
  "Change the object below and leave the editor to write it. These lines are left out; an empty file changes nothing.",
  "A file that can't be written comes back here with the reason.",
];

/** `problem` is why the last try failed. */
export function editorText(body: string, problem: string | undefined): string {
  const reason = problem === undefined ? [] : ["", ...problem.trimEnd().split("\n")];
  return `${[...intro, ...reason, ""].map((line) => `# ${line}`.trimEnd()).join("\n")}\n${body}`;
}

/** Without the lines that begin with #, at its head. */
export function bodyOf(text: string): string {
  return text.replace(/^(#[^\n]*(\n|$))*/, "");
}

/** The one object of the file, or what is wrong with it. */
export function parseBody(body: string): JsonObject | string {
  const { documents, problems } = parseManifests(body, "the edited file");
  if (problems.length > 0) return problems.join("\n");
  const [document] = documents;
  if (document === undefined || documents.length > 1) return `want one object, not ${documents.length}`;
  return document.content;
}

/** `code --wait` → its words. Quotes keep blanks together; there is no shell. */
export function editorWords(command: string): string[] {
  return [...command.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}
