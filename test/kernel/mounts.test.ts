import { deepEqual } from "node:assert/strict";
import { denialsOf, type MountPoint, readMountPoints } from "#kernel/mounts.ts";

describe("what a mount denies", () => {
  const mount = (path: string, options: string): MountPoint => ({ path, options: options.split(",") });
  const machine = [
    mount("/", "rw,relatime"),
    mount("/run", "rw,nosuid,nodev"),
    mount("/run/user/1", "rw,nosuid,nodev,noexec,noatime"),
    mount("/data", "rw,nosuid"),
    mount("/data", "rw,noexec"),
  ];
  for (const [path, denials] of [
    ["/usr/bin", []],
    ["/run", ["nosuid", "nodev"]],
    ["/run/user/10", ["nosuid", "nodev"]],
    ["/run/user/1/podwire", ["nosuid", "nodev", "noexec"]],
    ["/data/set", ["noexec"]],
  ] as const) {
    it(`is ${denials.join(", ") || "nothing"} for ${path}`, () => deepEqual(denialsOf(path, machine), denials));
  }

  it("is read of this machine, the place of each mount as it is", () => {
    deepEqual(
      readMountPoints()
        .map(({ path }) => path)
        .filter((path) => !path.startsWith("/")),
      [],
    );
  });
});
