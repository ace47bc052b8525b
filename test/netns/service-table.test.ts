import { createLinuxServices } from "#kernel/linux-services.ts";
import { unwatchedRuleset } from "#kernel/ruleset.ts";
import { describeServices } from "../conformance/services.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";

describeServices("Linux", async () => {
  const host = await enterHostNamespace();
  return { services: createLinuxServices(unwatchedRuleset), [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
});
