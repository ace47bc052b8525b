import assert from "node:assert/strict";
import fc from "fast-check";
import type { Json } from "#core/json.ts";
import { findJsonPath, renderJsonPath } from "../../../../cli/output/jsonpath/evaluate.ts";
import { parseJsonPath, parseRelaxedPath } from "../../../../cli/output/jsonpath/parse.ts";
import { UsageError } from "../../../../cli/usage-error.ts";

// The document of https://kubernetes.io/docs/reference/kubectl/jsonpath/.
const document: Json = {
  kind: "List",
  items: [
    {
      kind: "None",
      metadata: { name: "127.0.0.1", labels: { "kubernetes.io/hostname": "127.0.0.1" } },
      status: { capacity: { cpu: "4" }, addresses: [{ type: "LegacyHostIP", address: "127.0.0.1" }] },
    },
    {
      kind: "None",
      metadata: { name: "127.0.0.2" },
      status: {
        capacity: { cpu: "8" },
        addresses: [
          { type: "LegacyHostIP", address: "127.0.0.2" },
          { type: "another", address: "127.0.0.3" },
        ],
      },
    },
  ],
  users: [
    { name: "myself", user: {} },
    { name: "e2e", user: { username: "admin", password: "secret" } },
  ],
  numbers: [1, 2, 3, 4, 5],
  flags: [{ on: true, n: 1 }, { on: false, n: 2.5 }, { n: null }],
};

const render = (template: string) => renderJsonPath(parseJsonPath(template), document);

describe("JSONPath", () => {
  const cases: readonly (readonly [template: string, want: string])[] = [
    // From Kubernetes' documentation.
    ["kind is {.kind}", "kind is List"],
    ["{.kind}", "List"],
    ["{['kind']}", "List"],
    ["{['kind']}{['users'][0]['name']}", "Listmyself"],
    ["{..name}", "127.0.0.1 127.0.0.2 myself e2e"],
    ["{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"],
    ["{.users[0].name}", "myself"],
    ["{.users[-1].name}", "e2e"],
    ["{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}'],
    ['{.users[?(@.name=="e2e")].user.password}', "secret"],
    ["{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}", '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] '],
    ["{range .items[*]}{.metadata.name}{'\\t'}{end}", "127.0.0.1\t127.0.0.2\t"],
    ["{.items[0].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1"],
    ["{.items[0].metadata.labels['kubernetes\\.io/hostname']}", "127.0.0.1"],
    ['{.items[*].status.addresses[?(@.type=="another")].address}', "127.0.0.3"],
    ['{range .items[*]}{@.metadata.name}{"\\n"}{end}', "127.0.0.1\n127.0.0.2\n"],
    // Slices.
    ["{.numbers[0:2]}", "1 2"],
    ["{.numbers[0:5:2]}", "1 3 5"],
    ["{.numbers[:2]}", "1 2"],
    ["{.numbers[-2:]}", "4 5"],
    ["{.numbers[2:2]}", ""],
    ["{.numbers[0,2]}", "1 3"],
    ["{.numbers[*]}", "1 2 3 4 5"],
    ["{.numbers}", "[1,2,3,4,5]"],
    // Filters.
    ["{.flags[?(@.on)].n}", "1 2.5"],
    ["{.flags[?(@.on==true)].n}", "1"],
    ["{.flags[?(@.n>=2)].on}", "false"],
    ["{.flags[?( @.n != 1 )].on}", "false"],
    ["{.users[?(@.name=='e2e')].name}", "e2e"],
    ['{.users[?(@.user.username=="admin")].name}', "e2e"],
    ["{.items[?(@.metadata.name==$.items[1].metadata.name)].status.capacity.cpu}", "8"],
    // Ranges inside ranges, and the root inside them.
    [
      "{range .items[*]}{.metadata.name}:{range .status.addresses[*]} {.type}{end};{end}",
      "127.0.0.1: LegacyHostIP;127.0.0.2: LegacyHostIP another;",
    ],
    ["{range .users[*]}{$.kind} {end}", "List List "],
    // What isn't there.
    ["{.nothing.at.all}", ""],
    ["{range .nothing[*]}x{end}", ""],
    ["{.users[*].user.username}", "admin"],
    ["{.constructor}{.__proto__}", ""],
    // Text and the like.
    ["", ""],
    ["{}", ""],
    ["plain }", "plain }"],
    ['{"a\\"b"}', 'a"b'],
    ["{$.kind}{@.kind}", "ListList"],
    ["{.flags[2].n}", ""],
    ["{.flags[0].on}", "true"],
  ];
  for (const [template, want] of cases)
    it(`${template} gives ${JSON.stringify(want)}`, () => assert.equal(render(template), want));

  const wrong: readonly (readonly [template: string, message: RegExp])[] = [
    ["{.kind", /unclosed action/],
    ["{range .items[*]}x", /a range has no \{end\}/],
    ["{end}", /nothing to end/],
    ["{items}", /unrecognized identifier items/],
    ["{.items[}", /invalid array index/],
    ["{.items[*}", /unterminated array/],
    ["{.items[?(@.a==1]}", /unterminated filter/],
    ["{.items['a]}", /unterminated quoted string/],
    ['{"a}', /unterminated quoted string/],
    ["{.numbers[0:5:0]}", /step must be > 0/],
    ["{.numbers[9]}", /out of bounds: index 9, length 5/],
    ["{.numbers[4:1]}", /starting index 4 is greater than ending index 1/],
    ["{.kind[0]}", /"List" is not a list/],
    ['{.flags[?(@.n=="1")]}', /incompatible types/],
    ['{.items[?(@.kind=~"x")]}', /in a filter|unterminated filter/],
    ["{.a,.b}", /unexpected ","/],
    ["{)}", /unrecognized identifier/],
  ];
  for (const [template, message] of wrong) {
    it(`${template} is refused`, () =>
      assert.throws(
        () => render(template),
        (error) => error instanceof UsageError && message.test(error.message),
      ));
  }

  it("never fails in another way, whatever the text", () => {
    const words = [
      "{",
      "}",
      "[",
      "]",
      "(",
      ")",
      ".",
      "..",
      "*",
      "?",
      "@",
      "$",
      "'",
      '"',
      "\\",
      ",",
      ":",
      "==",
      "<",
      "range ",
      "end",
      "items",
      "1",
      "-",
      " ",
    ];
    const text = fc
      .array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 3 })), { maxLength: 40 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (template) => {
        try {
          render(template);
        } catch (error) {
          assert.ok(error instanceof UsageError, String(error));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("refuses to nest without end", () => {
    assert.throws(() => render("{range .a}".repeat(100_000)), UsageError);
    assert.throws(() => render(`{${".a[?(@".repeat(100_000)}`), UsageError);
    assert.throws(() => render(`{${".a".repeat(100_000)}}`), UsageError);
  });

  it("takes a bare path where it is relaxed", () => {
    for (const path of ["{.kind}", ".kind", "kind", "$.kind", " {.kind} "]) {
      assert.deepEqual(findJsonPath(parseRelaxedPath(path), document), ["List"]);
    }
    assert.throws(() => parseRelaxedPath("{.a}{.b}"), UsageError);
    assert.throws(() => parseRelaxedPath("{.a .b}"), UsageError);
  });
});
