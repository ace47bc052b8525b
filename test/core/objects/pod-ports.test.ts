import assert from "node:assert/strict";
import { c, checkRules, podOf, withContainer } from "./pod-rules.ts";

describe("ports of the node", () => {
  it("are the container's own in the node's network", () => {
    const pod = withContainer({ ports: [{ containerPort: 80 }] }, { hostNetwork: true });
    assert.equal(pod.spec?.containers[0]?.ports[0]?.hostPort, 80);
  });

  checkRules([
    {
      title: "may differ by protocol and address",
      pod: withContainer({
        ports: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 80, hostPort: 80, protocol: "UDP" },
          { containerPort: 80, hostPort: 80, hostIP: "10.0.0.1" },
        ],
      }),
      want: [],
    },
    {
      title: "are taken once in a pod",
      pod: podOf({
        containers: [
          { name: "a", image: "x", ports: [{ containerPort: 80, hostPort: 80 }] },
          { name: "b", image: "x", ports: [{ containerPort: 81, hostPort: 80 }] },
        ],
      }),
      want: ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    },
    {
      title: "are right",
      pod: withContainer({ ports: [{ containerPort: 80, hostPort: 81, hostIP: "localhost" }] }, { hostNetwork: true }),
      want: [
        `${c}.ports[0].containerPort: Invalid value: 80: must match \`hostPort\` when \`hostNetwork\` is true`,
        `${c}.ports[0].hostIP: Invalid value: "localhost": must be a valid IP address`,
      ],
    },
  ]);
});
