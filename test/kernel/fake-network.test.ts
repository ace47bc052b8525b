import { createFakeNetwork } from "#kernel/fake-network.ts";
import { describeNetwork } from "../conformance/network.ts";

describeNetwork("fake", async () => ({
  network: createFakeNetwork(),
  netnsPrefix: "fake.",
  async [Symbol.asyncDispose]() {},
}));
