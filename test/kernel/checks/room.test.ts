import assert from "node:assert/strict";
import { limitingFolders } from "#kernel/checks/room.ts";

const version2 = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
const pidsOfVersion1 = "31 1 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids";

describe("the folders whose limits hold for a process", () => {
  const cases: readonly (readonly [sentence: string, mountinfo: string, own: string, want: readonly string[]])[] = [
    ["are none without cgroups", "29 1 0:5 / / rw - ext4 /dev/vda rw", "0::/", []],
    ["are the root's in the root", version2, "0::/", ["/sys/fs/cgroup"]],
    [
      "are its own and all above it",
      version2,
      "0::/user.slice/shell",
      ["/sys/fs/cgroup/user.slice/shell", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup"],
    ],
    [
      "are those of the controller in version 1",
      pidsOfVersion1,
      "8:pids:/box\n7:cpu:/",
      ["/sys/fs/cgroup/pids/box", "/sys/fs/cgroup/pids"],
    ],
    ["are none of another controller's", pidsOfVersion1.replaceAll("pids", "cpu"), "7:cpu:/box", []],
  ];
  for (const [sentence, mountinfo, own, want] of cases) {
    it(sentence, () => assert.deepEqual(limitingFolders(mountinfo, own, "pids"), want));
  }
});
