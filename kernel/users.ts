import { readFileSync } from "node:fs";

/** As /etc/passwd names the user; the number where it doesn't. */
export function userName(uid: number): string {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((text) => text.split(":"))
    .find(([, , id]) => id === String(uid));
  return line?.[0] || String(uid);
}
