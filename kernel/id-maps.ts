/* Which users and groups this process's user namespace has: root's has all, an ordinary user's one, which is root in there. */

import { readFileSync } from "node:fs";

export type IdMap = "uid_map" | "gid_map";

interface IdRange {
  readonly first: number;
  readonly count: number;
}

export function isMapped(map: IdMap, id: number): boolean {
  return readMap(map).some(({ first, count }) => id >= first && id < first + count);
}

/** The last of those that begin with 0. */
export function lastMapped(map: IdMap): number {
  return (readMap(map).find(({ first }) => first === 0)?.count ?? 1) - 1;
}

/** Whoever could let go of a group could get at what is kept from that group: the kernel forbids it to ordinary users. */
export function maySetGroups(): boolean {
  return readFileSync("/proc/self/setgroups", "utf8").trim() === "allow";
}

/** Of lines such as "first-inside first-outside count". */
function readMap(map: IdMap): IdRange[] {
  const lines = readFileSync(`/proc/self/${map}`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return { first, count };
  });
}
