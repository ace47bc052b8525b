import { createFakeServices } from "#kernel/fake-services.ts";
import { describeServices } from "../conformance/services.ts";

describeServices("in memory", async () => {
  const services = createFakeServices();
  return {
    services,
    async lead(traffic) {
      services.traffic = traffic;
    },
    async [Symbol.asyncDispose]() {},
  };
});
