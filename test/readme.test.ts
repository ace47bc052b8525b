/* The blocks of the papers that are marked `sh run` work as they stand there, in their order, in one shell for each paper. */

import { equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createOrdinaryUser, type OrdinaryUser } from "./support/ordinary-user.ts";
import { requireSandbox } from "./support/sandbox.ts";

const project = join(import.meta.dirname, "..");

interface Paper {
  readonly path: string;
  readonly as: "root" | "an ordinary user";
  readonly blocksMin: number;
  /** What its commands print. */
  readonly says: readonly RegExp[];
}

const papers: readonly Paper[] = [
  {
    path: "README.md",
    as: "root",
    blocksMin: 5,
    says: [/Hello from server at 10\.244\.\d+\.\d+\. I see you as 10\.244\.\d+\.\d+\./, /The network model holds/],
  },
  {
    path: "docs/concepts.md",
    as: "an ordinary user",
    blocksMin: 25,
    says: [
      /^(10\.244\.\d+\.\d+):\d+ is what web-2 sees; web-1 is \1$/m,
      /ttl=62/,
      /^172\.18\.1\.1:\d+ is what web-2 sees of node-1$/m,
      /^10\.244\.\d+\.\d+:\d+ is what node-2 sees of web-1$/m,
      /dev podwire0 table 100/,
      /^eth0\S*\s+UP\s+(10\.244\.\d+\.\d+)\/32\s*\n\1\s*\n\1$/m,
      /^(net:\S+)\nmnt:(\S+)\npid:(\S+)\n\1\nmnt:(?!\2)\S+\npid:(?!\3)\S+$/m,
      /^web-2 was (\S+) and is (?!\1$)\S+\nand nobody is at \1$/m,
      /the node says so too/,
      /^(10\.244\.\d+\.\d+):\d+ is what the Service's pod sees; the client is \1$/m,
      /dst=10\.96\.\d+\.\d+ sport=\d+ dport=80 src=10\.244\./,
      /refused, at once/,
      /^172\.18\.1\.1:\d+ is what the pod sees of node-3$/m,
      /The network model holds/,
    ],
  },
  {
    path: "docs/autoscaling.md",
    as: "root",
    blocksMin: 4,
    says: [
      /^deployment "php-apache" successfully rolled out$/m,
      /^php-apache-\S+ +\d+m +\d+Mi +[\d.]+ +[\d.]+ /m,
      /^node\/node-2 +Ready/m,
      /^horizontalpodautoscaler\.autoscaling\/php-apache condition met$/m,
      /^nodegroup\.podwire\.dev\/default condition met$/m,
      /SuccessfulRescale .* New size: \d; reason: cpu resource utilization \(percentage of request\) above target/,
      /TriggeredScaleUp .* pod triggered scale-up: \[\{default 1->\d \(max: 3\)\}\]/,
      /ScaleDown .* marked the node as toBeDeleted\/unschedulable/,
    ],
  },
  {
    path: "docs/operations.md",
    as: "root",
    blocksMin: 7,
    says: [
      /^api\.sock\nhosts\.sock\nlogs\nsandbox\nstarter\nstate$/m,
      /^control-plane\.log\nnode-1\.log\nnode-2\.log\nsupervisor\.log$/m,
      /^cluster\.json\ncontrol-plane\njoin-token\nnode-1\nnode-2$/m,
      /^addresses\.json\nblock\.json\nboot-id\nidentity\.json\npods\nservices\.json$/m,
      /Hello from server at .*\n.*"service":"node-1","end":"SIGKILL"/,
      /^configmap\/kept created\n42/m,
      /table ip podwire_services/,
      /LISTEN .*:8080 /,
      /^node-1\S* .*UP/m,
    ],
  },
];

for (const { path, as, blocksMin, says } of papers) {
  describe(path, () => {
    before(requireSandbox);

    it(`has commands that work as they are written, for ${as}`, function () {
      this.timeout(270_000);
      const blocks = runnableBlocks(readFileSync(join(project, path), "utf8"));
      ok(blocks.length >= blocksMin, `${blocks.length} blocks to run`);
      using user = as === "root" ? createRoot() : createOrdinaryUser(12_346);
      const env = { ...process.env, XDG_RUNTIME_DIR: user.home, HOME: user.home };
      const [program = "", ...args] = [...user.words, "sh", "-eu"];
      const run = (input: string) =>
        spawnSync(program, args, { cwd: dirname(user.launcher), input, env, encoding: "utf8", timeout: 240_000 });
      try {
        const { status, stdout, stderr } = run(blocks.join("\n"));
        equal(status, 0, `${stdout}\n${stderr}`);
        for (const words of says) match(stdout, words);
      } finally {
        run("./podwire down");
      }
    });
  });
}

function createRoot(): Pick<OrdinaryUser, "home" | "words" | "launcher"> & Disposable {
  const home = mkdtempSync(join(tmpdir(), "podwire-readme-"));
  return {
    home,
    words: ["env"],
    launcher: join(project, "podwire"),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

function runnableBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh run\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
}
