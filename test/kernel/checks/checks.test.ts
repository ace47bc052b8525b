import assert from "node:assert/strict";
import { type Check, type Finding, judge, obstacles } from "#kernel/checks/check.ts";
import { costOf, costs, resources } from "#kernel/checks/costs.ts";
import { exampleMachine } from "#kernel/checks/example-machine.ts";
import type { MachineFacts } from "#kernel/checks/facts.ts";
import type { Feature } from "#kernel/checks/features.ts";
import { checks } from "#kernel/checks/list.ts";

const gibibyte = 1024 ** 3;

function findingsOn(changes: Partial<MachineFacts>): Finding[] {
  return checks.map((check) => judge(check, { ...exampleMachine, ...changes }));
}

/** "missing namespaces" for each check that is not content, but for those that could not be tried. */
function verdictsOn(changes: Partial<MachineFacts>): string[] {
  return findingsOn(changes).flatMap(({ name, verdict }) =>
    verdict === "ok" || verdict === "untried" ? [] : [`${verdict} ${name}`],
  );
}

function failing(feature: Feature, said: string): Partial<MachineFacts> {
  return { trial: { state: "ran", failures: new Map([[feature, said]]) } };
}

function refused(said: string): MachineFacts["trial"] {
  return { state: "no sandbox", said };
}

describe("the checks of the machine", () => {
  it("have names of their own", () => assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length));

  it("find nothing amiss on a machine that lacks nothing", () => {
    assert.deepEqual(verdictsOn({}), []);
    assert.deepEqual(verdictsOn({ uid: 0, capabilities: 0x1ffffffffffn }), []);
  });

  for (const check of checks) {
    for (const [index, problem] of check.problems.entries()) {
      it(`${check.name}: tell example ${index + 1} as it is, with a cure`, () => {
        const finding = judge(check, { ...exampleMachine, ...problem.example });
        assert.equal(firstProblem(check, problem.example), index);
        assert.equal(finding.verdict, problem.verdict);
        assert.ok((finding.cure ?? "").length > 5, "a cure");
        assert.doesNotMatch(`${finding.found} ${finding.cure}`, /undefined|NaN|Infinity/);
      });
    }
  }

  const cases: readonly (readonly [machine: string, changes: Partial<MachineFacts>, want: readonly string[]])[] = [
    [
      "no program that is needed is tried for",
      { missingPrograms: ["nft"], trial: { state: "not run", because: "programs are missing" } },
      ["missing system programs"],
    ],
    [
      "unshare is another's",
      { trial: refused("unshare: unrecognized option '--kill-child=SIGKILL'") },
      ["missing program versions"],
    ],
    [
      "nft does not know a word",
      failing("numgen", "Error: syntax error, unexpected string"),
      ["missing program versions", "missing nftables"],
    ],
    [
      "Ubuntu's AppArmor stands in an ordinary user's way",
      {
        sysctls: { "kernel.apparmor_restrict_unprivileged_userns": 1 },
        trial: refused("unshare: write failed /proc/self/uid_map: Operation not permitted"),
      },
      ["missing user namespaces"],
    ],
    ["AppArmor restricts others only", { sysctls: { "kernel.apparmor_restrict_unprivileged_userns": 1 } }, []],
    [
      "Debian leaves user namespaces to root, who asks",
      { uid: 0, capabilities: 0x1ffffffffffn, sysctls: { "kernel.unprivileged_userns_clone": 0 } },
      [],
    ],
    [
      "a container's root lacks the rights",
      { uid: 0, capabilities: 0n, trial: refused("unshare: unshare failed: Operation not permitted") },
      ["missing namespaces"],
    ],
    ["the kernel has no veth", failing("veth", "Error: Unknown device type."), ["missing links"]],
    ["the kernel has no policy routing", failing("routes", "RTNETLINK answers: Operation not supported"), ["missing routing"]],
    ["nothing is known of inotify", { sysctls: {} }, []],
    ["memory is short for fifty nodes", { nodeCount: 50, memory: { left: gibibyte, by: "the machine" } }, ["missing memory"]],
    [
      "memory is short for fifty nodes with pods",
      { nodeCount: 50, memory: { left: 4 * gibibyte, by: "the machine" } },
      ["warning memory"],
    ],
    ["a process may have 1,024 files", { processFiles: 1_024 }, []],
    ["a process may have 64 files", { processFiles: 64 }, ["warning open files"]],
    ["a process may have 64 files, and there are 30 nodes", { processFiles: 64, nodeCount: 30 }, ["missing open files"]],
    ["the kernel is old", { kernelRelease: "5.15.0-91-generic" }, ["warning TUN device"]],
    ["the kernel is just new enough", { kernelRelease: "6.2.0" }, []],
  ];
  for (const [machine, changes, want] of cases) {
    it(`say ${want.length === 0 ? "nothing" : want[0]} where ${machine}`, () => assert.deepEqual(verdictsOn(changes), want));
  }

  it("say of what only the trial tells that it was not tried, where there was none", () => {
    const findings = findingsOn({ trial: { state: "not run", because: "programs are missing" } });
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict === "untried").map(({ name }) => name),
      checks.filter(({ tried }) => tried === true).map(({ name }) => name),
    );
  });

  it("give root commands without sudo", () => {
    const [finding] = obstacles(findingsOn({ uid: 0, capabilities: 0x1ffffffffffn, tunDevice: "missing" }));
    assert.equal(finding?.cure, "modprobe tun");
  });
});

describe("obstacles", () => {
  const finding = (verdict: Finding["verdict"], name = verdict as string): Finding => ({ name, found: "", verdict });
  const cases: readonly (readonly [sentence: string, findings: readonly Finding[], want: readonly string[]])[] = [
    ["are none where all is well, or only warned about", [finding("ok"), finding("warning")], []],
    ["are what is missing, and not what could not be tried for it", [finding("untried"), finding("missing")], ["missing"]],
    [
      "are what could not be tried, where nothing else explains it",
      [finding("ok"), finding("untried", "a"), finding("untried", "b")],
      ["a"],
    ],
  ];
  for (const [sentence, findings, want] of cases) {
    it(sentence, () =>
      assert.deepEqual(
        obstacles(findings).map(({ name }) => name),
        want,
      ),
    );
  }
});

describe("the costs of a cluster", () => {
  // What was measured on clusters of 1, 3 and 6 nodes.
  const measured = {
    processFiles: [40, 48, 59],
    machineFiles: [81, 155, 288],
    processes: [43, 65, 98],
    memoryMiB: [137, 181, 273],
  };
  for (const resource of resources) {
    it(`ask for more ${resource} than was measured, and for more still to be ample`, () => {
      for (const [index, nodeCount] of [1, 3, 6].entries()) {
        const needed = costOf(costs[resource].needed, nodeCount);
        assert.ok(needed > (measured[resource][index] ?? 0), `${needed} for ${nodeCount}`);
        assert.ok(costOf(costs[resource].ample, nodeCount) > needed);
      }
    });
  }
});

function firstProblem(check: Check, example: Partial<MachineFacts>): number {
  return check.problems.findIndex(({ holds }) => holds({ ...exampleMachine, ...example }));
}
