import assert from "node:assert/strict";
import fc from "fast-check";
import { parseManifests } from "../../cli/manifests.ts";

const parse = (text: string) => {
  const { documents, problems } = parseManifests(text, "f.yaml");
  return { contents: documents.map(({ content }) => content), sources: documents.map(({ source }) => source), problems };
};

describe("reading manifests", () => {
  const good: readonly (readonly [why: string, text: string, contents: readonly object[]])[] = [
    ["YAML", "a: 1\nb: [x]\n", [{ a: 1, b: ["x"] }]],
    ["JSON", '{"a": "\\u0041", "b": 1e3, "c": null}', [{ a: "A", b: 1000, c: null }]],
    ["several documents", "a: 1\n---\nb: 2\n", [{ a: 1 }, { b: 2 }]],
    ["nothing", "", []],
    ["comments alone", "# a\n---\n# b\n", []],
    ["empty documents between others", "---\n---\na: 1\n---\n\n---\nnull\n---\nb: 2\n", [{ a: 1 }, { b: 2 }]],
    ["a list", "kind: List\nitems:\n- {a: 1}\n- {kind: List, items: [{b: 2}]}\n", [{ a: 1 }, { b: 2 }]],
    ["an empty list", "kind: List\n", []],
    ["anchors and merges", "a: &x {p: 1}\nb:\n  <<: *x\n  q: 2\n", [{ a: { p: 1 }, b: { p: 1, q: 2 } }]],
    ["the booleans and octals of kubectl's YAML", "a: yes\nb: off\nc: 0644\nd: 'no'", [{ a: true, b: false, c: 420, d: "no" }]],
    [
      "times and base 60 as text, as kubectl does",
      "a: 2020-01-01\nb: 22:30\nc: 1:2:3.4",
      [{ a: "2020-01-01", b: "22:30", c: "1:2:3.4" }],
    ],
    ["a key that JavaScript would take for itself", "a: {__proto__: {x: 1}}", [JSON.parse('{"a":{"__proto__":{"x":1}}}')]],
  ];
  for (const [why, text, contents] of good) {
    it(`takes ${why}`, () => {
      const result = parse(text);
      assert.deepEqual([result.contents, result.problems], [contents, []]);
    });
  }

  it("names the file alone where it has one document, else the document's number in the file", () => {
    assert.deepEqual(parse("---\n---\na: 1\n").sources, ["f.yaml"]);
    assert.deepEqual(parse("a: 1\n---\n# nothing\n---\nb: 1\n").sources, ["f.yaml, document 1", "f.yaml, document 3"]);
    assert.deepEqual(parse("kind: List\nitems: [{a: 1}, {b: 1}]").sources, ["f.yaml, item 1", "f.yaml, item 2"]);
  });

  const bad: readonly (readonly [text: string, problem: RegExp])[] = [
    ["a: 1\n---\nb: [\n", /^f\.yaml, document 2, line [34]: /],
    ["a: b: c\n", /^f\.yaml, line 1: Nested mappings/],
    ["a: 1\nb: 2\na: 3\n", /^f\.yaml, line 3: Map keys must be unique/],
    ["\ta: 1\n", /^f\.yaml, line 1: Tabs/],
    ["- 1", /^f\.yaml: want an object with apiVersion, kind and metadata, not a list/],
    ["hello", /^f\.yaml: want an object .*, not the string "hello"/],
    ["kind: List\nitems: 3", /^f\.yaml: items of a List must be a list, not the number 3/],
    ["kind: List\nitems: [3]", /^f\.yaml, item 1: want an object/],
    ["a: *nope", /^f\.yaml: Unresolved alias/],
    ["a: &a [*a]", /^f\.yaml: /],
    ["a: .inf", /^f\.yaml: Infinity is no JSON number/],
    [
      `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(",")}]`).join("\n")}`,
      /^f\.yaml: Excessive alias count/,
    ],
  ];
  for (const [text, problem] of bad) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => assert.match(parse(text).problems.join("\n"), problem));
  }

  it("tells all problems at once", () => assert.equal(parse("- 1\n---\na: b: c\n---\n3\n").problems.length, 3));

  it("never throws, whatever the text, and gives JSON only", () => {
    const words = [
      "a",
      ":",
      " ",
      "\n",
      "-",
      "---\n",
      "[",
      "]",
      "{",
      "}",
      "&x ",
      "*x",
      "<<",
      "'",
      '"',
      "|",
      ">",
      "!!map ",
      "!!binary ",
      "1",
      "%YAML 1.2\n",
      "?",
      "#",
      "\t",
      "...",
    ];
    const text = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (source) => {
        const { contents } = parse(source);
        assert.deepEqual(JSON.parse(JSON.stringify(contents)), contents);
      }),
      { numRuns: 1_000 },
    );
  });
});
