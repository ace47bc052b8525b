import assert from "node:assert/strict";
import { labelNameProblem, labelValueProblem, portNameProblem, qualifiedNameProblem, subdomainNameProblem } from "#core/names.ts";

const long = (count: number) => "a".repeat(count);

const rules: { title: string; problem: (name: string) => string | undefined; good: string[]; bad: string[] }[] = [
  {
    title: "a label",
    problem: labelNameProblem,
    good: ["a", "0", "web-1", "1-a", long(63)],
    bad: ["", "-", "a-", "-a", "A", "a.b", "a_b", "a b", "ä", "a\n", long(64)],
  },
  {
    title: "a subdomain",
    problem: subdomainNameProblem,
    good: ["a", "a.b", "web-1.example.com", "0.0", [long(63), long(63), long(63), long(61)].join("."), long(100)],
    bad: ["", ".", "a.", ".a", "a..b", "a.-b", "A.b", "a_b", "a.b\n", long(254)],
  },
  {
    title: "a qualified name",
    problem: qualifiedNameProblem,
    good: ["a", "A", "a.b_c-D", "example.com/a", "kubernetes.io/metadata.name", `${long(63)}.b/${long(63)}`, "constructor"],
    bad: [
      "",
      "/",
      "a/",
      "/a",
      "a/b/c",
      "_a",
      "a_",
      "A.com/a",
      "-",
      "a b",
      "__proto__",
      long(64),
      `a/${long(64)}`,
      `${long(254)}/a`,
    ],
  },
  {
    title: "a label's value",
    problem: labelValueProblem,
    good: ["", "a", "A.b_c-1", long(63)],
    bad: ["-", "a-", "_", "a/b", "a b", " ", "é", "a\n", long(64)],
  },
  {
    title: "a port's name",
    problem: portNameProblem,
    good: ["a", "http", "http-2", "0a", "abcdefghijklmno"],
    bad: ["", "80", "-", "a-", "-a", "a--b", "HTTP", "a_b", "abcdefghijklmnop"],
  },
];

for (const { title, problem, good, bad } of rules) {
  describe(`as ${title}`, () => {
    for (const name of good) it(`${JSON.stringify(name)} is fine`, () => assert.equal(problem(name), undefined));
    for (const name of bad) it(`${JSON.stringify(name)} is refused`, () => assert.equal(typeof problem(name), "string"));
  });
}
