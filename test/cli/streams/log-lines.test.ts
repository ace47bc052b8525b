import assert from "node:assert/strict";
import fc from "fast-check";
import { createLineCutter } from "../../../cli/streams/log-lines.ts";

function cutAll(prefix: string, chunks: readonly string[]): string[] {
  const cutter = createLineCutter(prefix);
  return [...chunks.map((chunk) => cutter.cut(Buffer.from(chunk))), cutter.rest()].map(String);
}

describe("lines of one log among several", () => {
  it("come whole, each behind its prefix", () => {
    assert.deepEqual(cutAll("> ", ["a\nb", "c\n\n", "d"]), ["> a\n", "> bc\n> \n", "", "> d"]);
  });

  it("come as they were written, in whatever pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "\n", "bc\n", "é", "")), (chunks) => {
        const text = chunks.join("");
        assert.equal(cutAll("", chunks).join(""), text);
        assert.equal(cutAll("> ", chunks).join(""), text.replace(/[^\n]*\n|[^\n]+$/g, "> $&"));
      }),
    );
  });

  it("come in parts where they are longer than 64 KiB, with one prefix", () => {
    const part = "x".repeat(40_000);
    assert.deepEqual(cutAll("> ", [part, part, part, "\nnext\n"]), ["", `> ${part}${part}`, "", `${part}\n> next\n`, ""]);
  });
});
