import type { Ids } from "../../control-plane/ids.ts";

/** Each is another, and the same in every run. */
export function createCountingIds(): Ids {
  let count = 0;
  return {
    uid: () => `uid-${++count}`,
    nameSuffix: () => String(++count).padStart(5, "0"),
    secret: (byteCount) => String(++count).padStart(2 * byteCount, "0"),
  };
}
