/** The text without anything that would move a terminal's cursor or break a line: it came from the cluster, not from us. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
