import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCgroupUsage } from "#kernel/cgroup-usage.ts";

type Folders = readonly Readonly<Record<string, string>>[];

const cpu2 = "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 0\n";
const cpu1 = "nr_periods 12\nnr_throttled 3\nthrottled_time 1500000\n";
const stat2 = "anon 900\nfile 500\nactive_file 200\ninactive_file 300\n";
const stat1 = "inactive_file 1\ntotal_cache 500\ntotal_inactive_file 300\ntotal_active_file 200\n";

const cases: readonly { sentence: string; folders: Folders; cpuSeconds?: number; workingSetBytes?: number }[] = [
  {
    sentence: "of version 2, without files that nobody used lately",
    folders: [{ "cpu.stat": cpu2, "memory.current": "1400\n", "memory.stat": stat2 }],
    cpuSeconds: 1.5,
    workingSetBytes: 1_100,
  },
  {
    sentence: "of version 1, each in its own folder",
    folders: [
      { "pids.current": "3\n" },
      { "cpu.stat": cpu1, "cpuacct.usage": "2500000000\n" },
      { "memory.usage_in_bytes": "1400\n", "memory.stat": stat1 },
    ],
    cpuSeconds: 2.5,
    workingSetBytes: 1_100,
  },
  { sentence: "of version 2 that have no memory controller", folders: [{ "cpu.stat": cpu2 }], cpuSeconds: 1.5 },
  { sentence: "of version 1 whose time another hierarchy counts", folders: [{ "cpu.stat": cpu1 }] },
  {
    sentence: "that hold less than the files that nobody used",
    folders: [{ "memory.current": "200\n", "memory.stat": stat2 }],
    workingSetBytes: 0,
  },
  { sentence: "that were removed", folders: [{}] },
  { sentence: "of a container that has none", folders: [] },
];

describe("the usage that cgroups count", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "podwire-cgroups-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  for (const { sentence, folders, cpuSeconds, workingSetBytes } of cases) {
    it(`is that of cgroups ${sentence}`, () => {
      const paths = folders.map((files, i) => {
        const folder = join(root, String(i));
        mkdirSync(folder);
        for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
        return folder;
      });
      assert.deepEqual(readCgroupUsage(paths), { cpuSeconds, workingSetBytes });
    });
  }
});
