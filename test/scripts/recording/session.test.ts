import assert from "node:assert/strict";
import { play } from "../../../scripts/recording/session.ts";

const ran = (line: string, ...output: readonly (readonly [afterMs: number, text: string])[]) => ({
  about: "",
  line,
  output: output.map(([afterMs, text]) => ({ afterMs, text })),
});

describe("the play of a recorded session", () => {
  it("keeps the real distance of what came quickly, and cuts pauses", () => {
    const { arrivals } = play([ran("up", [9_000, "a\r\n"], [9_100, "b\r\n"], [9_350, "c\r\n"])]);
    const [prompt = 0, ...times] = arrivals.map(({ atMs }) => atMs);
    const [first = 0] = times;
    assert.equal(prompt, 0);
    assert.ok(first < 2_000, `${first} ms until the first line`);
    assert.deepEqual(
      times.map((atMs) => atMs - first),
      [0, 100, 350],
    );
  });

  it("begins each prompt on a row of its own", () => {
    const { arrivals } = play([ran("curl", [1, "web-2"]), ran("true")]);
    const text = arrivals.map((arrival) => arrival.text).join("");
    assert.match(text, /web-2\r\n.*\$.*true/);
  });

  it("says what a command is about before it", () => {
    const [prompt] = play([{ about: "the end", line: "down", output: [] }]).arrivals;
    assert.match(prompt?.text ?? "", /# the end.*\r\n.*\$.*down.*\r\n$/);
  });

  it("ends with a picture that stays", () => {
    const { arrivals, heldMs, endMs } = play([ran("down", [1, "done\r\n"])]);
    assert.ok((arrivals.at(-1)?.atMs ?? 0) < heldMs && heldMs < endMs);
  });
});
