/* The part of a page that a program writes, between two lines that say so. */

const end = "<!-- end -->";

export interface GeneratedPart {
  /** The page, as messages name it. */
  readonly path: string;
  /** What the part is made from. */
  readonly source: string;
  readonly text: string;
}

/** The page with that part as it should be; the rest stays. Throws where the page has no place for it. */
export function withGeneratedPart(page: string, { path, source, text }: GeneratedPart): string {
  const begin = `<!-- Generated from ${source} by \`npm run generate\`: begin -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${path} must have the lines "${begin}" and "${end}"`);
  return `${page.slice(0, from)}${begin}\n\n${text}\n${page.slice(to)}`;
}
