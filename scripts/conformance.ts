/* Writes docs/conformance.md: Kubernetes' tests of its network, row by row, and where the same is tested here, found by the titles of
 * our tests. With --check it writes nothing, and fails where the page is stale or a row that must be tested isn't. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubernetesRows, type Row } from "../test/conformance/kubernetes-rows.ts";

const project = join(import.meta.dirname, "..");
const page = join(project, "docs", "conformance.md");
const rowsFile = "test/conformance/kubernetes-rows.ts";

function main(check: boolean): void {
  const titles = readTitles();
  const untested = kubernetesRows.filter((row) => row.words.some((words) => placesOf(words, titles).length === 0) || isOpen(row));
  if (untested.length > 0) {
    const lines = untested.map(
      ({ test, words }) => `  ${test} (looked for ${words.map((word) => JSON.stringify(word)).join(", ")})`,
    );
    throw new Error(`no test has these words in its title: mend ${rowsFile}, or write the test\n${lines.join("\n")}`);
  }
  const text = render(titles);
  if (!check) writeFileSync(page, text);
  else if (readFileSync(page, "utf8") !== text) throw new Error("docs/conformance.md is stale: run `npm run generate`");
}

interface Title {
  readonly file: string;
  readonly text: string;
}

/** What tests, suites and the rows of their tables are called. */
function readTitles(): Title[] {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "test"], {
    cwd: project,
    encoding: "utf8",
  });
  return files
    .split("\n")
    .filter((file) => file.endsWith(".test.ts"))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(project, file), "utf8");
      return [...text.matchAll(/(?:\b(?:it|describe)\(|\btitle:)\s*(["`])((?:\\.|(?!\1).)*)\1/gs)].map(([, , title = ""]) => ({
        file,
        text: title,
      }));
    });
}

function placesOf(words: string, titles: readonly Title[]): string[] {
  return [...new Set(titles.filter(({ text }) => text.includes(words)).map(({ file }) => file))];
}

function isOpen({ fit, words }: Row): boolean {
  return fit === "must" && words.length === 0;
}

function render(titles: readonly Title[]): string {
  const count = (fit: Row["fit"]) => kubernetesRows.filter((row) => row.fit === fit && row.words.length > 0).length;
  const lines = kubernetesRows.map((row) => {
    const where = row.words.flatMap((words) => placesOf(words, titles));
    const told = row.words.length === 0 ? `– ${row.why}` : [...new Set(where)].map((file) => `\`${file}\``).join(", ");
    return `| ${row.test} | ${row.fit} | ${told} |`;
  });
  return `# What of Kubernetes' network is matched, and where that is tested

Made by \`npm run generate\` from ${rowsFile} and the titles of the tests: a row whose test goes, goes red (\`npm run check\`).
${count("must")} rows that an emulator of the network must match, ${count("should")} that it should, are tested in real network namespaces or through the API;
those that only concern API machinery are left out.

| Kubernetes' test | | ours |
| --- | --- | --- |
${lines.join("\n")}

## Where Podwire differs

- A Service's rules are nftables of each node; refused means at once, by a TCP reset or an ICMP error. A program of the node itself that
  sends UDP to a Service without endpoints gets EPERM from its own system call, as with every nftables proxy.
- The name server is a part of each node's agent and no pod; \`kube-dns\` has an address and no endpoints. Names of other domains are
  refused unless the agent has an upstream.
- SCTP, IPv6 and externalIPs are refused with a message. \`kubernetes.default\` leads to the control plane's gRPC port.
- A LoadBalancer has an address of \`--load-balancer-cidr\` that every node answers.
`;
}

if (import.meta.main) main(process.argv.includes("--check"));
