import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../../../scripts/recording/session.ts";
import { renderSvg } from "../../../scripts/recording/svg.ts";

const demo = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "demo.svg"), "utf8");
const draw = (arrivals: readonly { readonly atMs: number; readonly text: string }[]) =>
  renderSvg({ arrivals, heldMs: 900, endMs: 1_000 });

/** What the rows say, in their order; the description above them doesn't count. */
function textIn(svg: string): string {
  const rows = svg.slice(svg.indexOf('<g class="rows"'));
  const texts = [...rows.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text);
  return texts.join(" ").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

describe("the drawing of a terminal", () => {
  it("escapes what is markup", () => {
    const svg = draw([{ atMs: 0, text: '<none> & "<b>" &amp;' }]);
    assert.ok(svg.includes('>&lt;none&gt; &amp; "&lt;b&gt;" &amp;amp;</text>'), svg);
    assert.equal(textIn(svg), '<none> & "<b>" &amp;');
  });

  it("gives each piece the length of its cells, whatever the font", () => {
    const svg = draw([{ atMs: 0, text: "日本  abc" }]);
    assert.match(svg, /x="0" y="13" textLength="31.2">日本</);
    assert.match(svg, /x="46.8" y="13" textLength="23.4">abc</);
  });

  it("colours pieces in light and in dark", () => {
    const svg = draw([{ atMs: 0, text: "\x1b[32mRunning\x1b[0m" }]);
    assert.match(svg, /<text class="green"[^>]*>Running</);
    assert.equal(svg.match(/\.green\{fill:#/g)?.length, 2);
    assert.match(svg, /@media \(prefers-color-scheme:dark\)/);
  });

  it("shows each piece from its moment on", () => {
    const svg = draw([
      { atMs: 0, text: "a\r\n" },
      { atMs: 250, text: "b\r\n" },
    ]);
    assert.match(svg, /@keyframes t1\{0%\{opacity:0\}25%\{opacity:1\}\}/);
    assert.match(svg, /<g class="t1"><text[^>]*>b</);
    // Between the last arrival and the end.
    assert.match(svg, /animation:1000ms step-end -950ms infinite/);
  });

  it("scrolls when the window is full, and stands at the end where nothing moves", () => {
    const svg = draw(Array.from({ length: 30 }, (_, i) => ({ atMs: i * 10, text: `row ${i}\r\n` })));
    assert.match(svg, /28%\{transform:translateY\(-18px\)\}29%\{transform:translateY\(-36px\)\}\}/);
    assert.match(svg, /<g class="rows" transform="translate\(0 -36\)">/);
  });
});

describe("docs/demo.svg", () => {
  it("shows the commands that `npm run record` runs, in their order", () => {
    const text = textIn(demo);
    let from = 0;
    for (const { about, line } of commands) {
      for (const wanted of about === "" ? [`$ ${line}`] : [`# ${about}`, `$ ${line}`]) {
        const at = text.indexOf(wanted, from);
        assert.ok(at >= 0, `it lacks ${wanted}: run \`npm run record\``);
        from = at + wanted.length;
      }
    }
    assert.ok(text.includes("The network model holds"), text);
  });

  it("is small and short, and loads and runs nothing", () => {
    assert.ok(Buffer.byteLength(demo) <= 80_000, `${Buffer.byteLength(demo)} B`);
    assert.ok(Number(/animation:(\d+)ms/.exec(demo)?.[1]) <= 25_000);
    assert.doesNotMatch(demo, /<script|@import|@font-face|url\(|href|<image|foreignObject| on\w+=/);
  });
});
