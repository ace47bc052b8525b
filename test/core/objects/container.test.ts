import { c, checkRules, withContainer } from "./pod-rules.ts";

describe("security", () => {
  checkRules([
    {
      title: "numbers are users and groups",
      pod: withContainer(
        { securityContext: { runAsUser: -1, runAsGroup: 2147483648 } },
        { securityContext: { fsGroup: -2, supplementalGroups: [1, -3] } },
      ),
      want: [
        `${c}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
        `${c}.securityContext.runAsGroup: Invalid value: 2147483648: must be between`,
        "spec.securityContext.fsGroup: Invalid value: -2: must be between",
        "spec.securityContext.supplementalGroups[1]: Invalid value: -3: must be between",
      ],
    },
    {
      title: "leaves termination messages to two policies",
      pod: withContainer({ terminationMessagePolicy: "Log" }),
      want: [`${c}.terminationMessagePolicy: Unsupported value: "Log": supported values: "FallbackToLogsOnError", "File"`],
    },
  ]);
});
