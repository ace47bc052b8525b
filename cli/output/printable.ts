/** The text without anything that would move a terminal's cursor or break a line: it came from the cluster, not from us. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
