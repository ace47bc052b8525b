import assert from "node:assert/strict";
import { deviceRefusal, namespaceRefusal } from "#kernel/user-namespace.ts";

describe("a system that lets no ordinary user have a sandbox", () => {
  for (const [path, value, command] of [
    ["kernel/apparmor_restrict_unprivileged_userns", "1", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"],
    ["kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"],
    ["user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"],
    ["user/max_net_namespaces", "0", "sudo sysctl -w user.max_net_namespaces=15000"],
  ] as const) {
    it(`has the command named that lifts ${path} = ${value}`, () => {
      const said = namespaceRefusal((asked) => (asked === path ? value : "9"), "Operation not permitted");
      assert.ok(said.includes(`\`${command}\``), said);
    });
  }

  it("has its own words told where no setting explains them", () => {
    const said = namespaceRefusal(() => undefined, "unshare failed: Operation not permitted");
    assert.match(said, /refuses them \(unshare failed: Operation not permitted\): inside a container, give it --privileged/);
  });

  it("has the command named that makes the TUN device, or opens it", () => {
    assert.match(deviceRefusal("missing") ?? "", /`sudo modprobe tun`/);
    assert.match(deviceRefusal("closed") ?? "", /`sudo chmod 666 \/dev\/net\/tun`/);
    assert.equal(deviceRefusal("open"), undefined);
  });
});
