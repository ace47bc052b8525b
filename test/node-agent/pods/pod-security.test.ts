import assert from "node:assert/strict";
import { defaultCapabilities, rightsArguments } from "#kernel/container-rights.ts";
import { Container, Pod } from "#proto/podwire/v1/resources.ts";
import { rightsOf } from "../../../node-agent/pods/pod-security.ts";

function rights(podContext: object | undefined, ownContext: object | undefined) {
  return rightsOf(Pod.fromJSON({ spec: { securityContext: podContext } }), Container.fromJSON({ securityContext: ownContext }));
}

describe("a container's rights", () => {
  it("are root's, with the default capabilities, where nothing is said", () => {
    assert.deepEqual(rights(undefined, undefined), {});
    assert.deepEqual(rightsArguments({}), [`--bounding-set=-all,${defaultCapabilities.map((name) => `+${name}`).join(",")}`]);
  });

  for (const [sentence, podContext, own, user] of [
    ["the pod's", { runAsUser: 1, runAsGroup: 2 }, {}, { uid: 1, gid: 2, groups: [] }],
    ["its own before the pod's", { runAsUser: 1, runAsGroup: 2 }, { runAsUser: 3 }, { uid: 3, gid: 2, groups: [] }],
    ["root's group without one", {}, { runAsUser: 3 }, { uid: 3, gid: 0, groups: [] }],
    ["root with more groups", { supplementalGroups: [7, 8], fsGroup: 9 }, {}, { uid: 0, gid: 0, groups: [7, 8, 9] }],
    ["each group once", { supplementalGroups: [7], fsGroup: 7 }, {}, { uid: 0, gid: 0, groups: [7] }],
    ["root by number", { runAsUser: 5 }, { runAsUser: 0 }, { uid: 0, gid: 0, groups: [] }],
  ] as const) {
    it(`have a user: ${sentence}`, () => assert.deepEqual(rights(podContext, own).user, user));
  }

  for (const [capabilities, want] of [
    [{ drop: ["ALL"] }, []],
    [{ drop: ["ALL"], add: ["NET_BIND_SERVICE", "CAP_CHOWN"] }, ["net_bind_service", "chown"]],
    [{ drop: ["NET_RAW"] }, defaultCapabilities.filter((name) => name !== "net_raw")],
    [{ add: ["KILL"] }, defaultCapabilities],
    [{ add: ["ALL"], drop: ["KILL"] }, defaultCapabilities.filter((name) => name !== "kill")],
    [{ add: ["KILL"], drop: ["KILL", "ALL"] }, []],
  ] as const) {
    it(`have the capabilities that are left after ${JSON.stringify(capabilities)}`, () => {
      assert.deepEqual(rights({}, { capabilities }).capabilities, want);
    });
  }

  it("can't have a capability beyond the default ones, and say which", () => {
    assert.throws(() => rights({}, { capabilities: { add: ["NET_ADMIN", "KILL", "SYS_TIME"] } }), {
      reason: "CreateContainerConfigError",
      message: /^capability NET_ADMIN, SYS_TIME can't be added: Podwire's containers have at most AUDIT_WRITE, /,
    });
  });

  it("are words without spaces, with no group of root's for another user", () => {
    const words = rightsArguments({ user: { uid: 1, gid: 2, groups: [3, 4] }, capabilities: [] });
    assert.deepEqual(words, ["--bounding-set=-all", "--reuid=1", "--regid=2", "--groups=3,4"]);
    assert.deepEqual(rightsArguments({ user: { uid: 1, gid: 2, groups: [] }, capabilities: ["kill"] }).slice(-1), [
      "--clear-groups",
    ]);
  });
});
