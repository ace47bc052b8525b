/* One log among several: whole lines, each behind the name of where it comes from. */

const lineBytesMax = 64 * 1024;

export interface LineCutter {
  /** What can be printed by now. A line that is longer than 64 KiB comes in parts. */
  cut(chunk: Uint8Array): Buffer;
  /** What stands behind the last line's end. */
  rest(): Buffer;
}

export function createLineCutter(prefix: string): LineCutter {
  const label = Buffer.from(prefix);
  let kept: Buffer = Buffer.alloc(0);
  let inLine = false;
  const labelled = (part: Buffer) => (inLine ? part : Buffer.concat([label, part]));
  return {
    cut(chunk) {
      const bytes = Buffer.concat([kept, chunk]);
      const parts: Buffer[] = [];
      let from = 0;
      for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, from)) {
        parts.push(labelled(bytes.subarray(from, end + 1)));
        inLine = false;
        from = end + 1;
      }
      kept = bytes.subarray(from);
      if (kept.length > lineBytesMax) {
        parts.push(labelled(kept));
        inLine = true;
        kept = Buffer.alloc(0);
      }
      return Buffer.concat(parts);
    },
    rest() {
      const last = kept.length === 0 ? kept : labelled(kept);
      kept = Buffer.alloc(0);
      return last;
    },
  };
}
