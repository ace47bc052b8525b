import { createFakeServices } from "#kernel/fake-services.ts";
import { describeServices } from "../conformance/services.ts";

describeServices("in memory", async () => ({ services: createFakeServices(), async [Symbol.asyncDispose]() {} }));
