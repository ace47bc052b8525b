import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countsOomKill, findHierarchies, limitFiles } from "#kernel/cgroups.ts";

const systemd2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const version1 = [
  "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
  "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct",
  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
  "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids",
  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
].join("\n");

function found(mountinfo: string, own: string): Record<string, string> {
  return Object.fromEntries(
    [...findHierarchies(mountinfo, own)].map(([name, { version, folder }]) => [name, `${version} ${folder}`]),
  );
}

describe("cgroups", () => {
  it("of version 2 have all controllers in one place", () => {
    const place = "2 /sys/fs/cgroup";
    assert.deepEqual(found(systemd2, "0::/user.slice/session-3.scope\n"), { memory: place, cpu: place, pids: place });
  });

  it("of version 1 have each its own, and none where this process is in another's", () => {
    assert.deepEqual(found(version1, "8:pids:/\n4:memory:/somebody/else\n1:cpu,cpuacct:/\n0::/\n"), {
      cpu: "1 /sys/fs/cgroup/cpu,cpuacct",
      pids: "1 /sys/fs/cgroup/pids",
    });
  });

  it("are none where none are mounted", () => {
    assert.deepEqual(found("22 1 8:1 / / rw - ext4 /dev/sda rw\n", "0::/\n"), {});
  });

  for (const [controller, version, want] of [
    ["memory", 2, [["memory.max", "1048576"]]],
    ["memory", 1, [["memory.limit_in_bytes", "1048576"]]],
    ["cpu", 2, [["cpu.max", "150000 100000"]]],
    [
      "cpu",
      1,
      [
        ["cpu.cfs_period_us", "100000"],
        ["cpu.cfs_quota_us", "150000"],
      ],
    ],
    ["pids", 2, [["pids.max", "10"]]],
    ["pids", 1, [["pids.max", "10"]]],
  ] as const) {
    it(`are told the limit of ${controller} in version ${version}'s way`, () => {
      assert.deepEqual(limitFiles(controller, version, { memoryBytes: 2 ** 20, cpus: 1.5, processes: 10 }), want);
    });
  }

  for (const [sentence, file, text, want] of [
    ["of version 2 where one was", "memory.events", "low 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n", true],
    ["of version 1 where one was", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n", true],
    ["where none was", "memory.events", "low 0\nmax 7\noom 1\noom_kill 0\noom_group_kill 1\n", false],
    ["where nothing tells", "pids.max", "10", false],
  ] as const) {
    it(`count processes that were ended for want of memory, ${sentence}`, () => {
      const folder = mkdtempSync(join(tmpdir(), "podwire-cgroup-"));
      try {
        writeFileSync(join(folder, file), text);
        assert.equal(countsOomKill([folder]), want);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it("are told no smaller quota of cpu than the kernel takes", () => {
    assert.deepEqual(limitFiles("cpu", 2, { cpus: 0.001 }), [["cpu.max", "1000 100000"]]);
  });
});
