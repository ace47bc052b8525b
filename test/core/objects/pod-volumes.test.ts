import assert from "node:assert/strict";
import { c, checkRules, podOf, withContainer } from "./pod-rules.ts";

describe("volumes", () => {
  it("are empty directories where nothing else is said, and have files of mode 0644", () => {
    const pod = podOf({ containers: [], volumes: [{ name: "v" }, { name: "c", configMap: { name: "m" } }] });
    assert.deepEqual({ ...pod.spec?.volumes[0]?.emptyDir }, {});
    assert.equal(pod.spec?.volumes[1]?.configMap?.defaultMode, 0o644);
  });

  checkRules([
    {
      title: "may be mounted",
      pod: withContainer(
        { volumeMounts: [{ name: "v", mountPath: "/data", subPath: "a/b" }] },
        { volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }] },
      ),
      want: [],
    },
    {
      title: "have one name and one source each",
      pod: withContainer(
        {},
        {
          volumes: [
            { emptyDir: {} },
            { name: "A", emptyDir: {} },
            { name: "v", emptyDir: {}, secret: { secretName: "s" } },
            { name: "v", configMap: {} },
            { name: "w", secret: { defaultMode: 512 } },
            { name: "x", emptyDir: { sizeLimit: "much" } },
            { name: "y", emptyDir: { sizeLimit: "-1" } },
          ],
        },
      ),
      want: [
        "spec.volumes[0].name: Required value",
        'spec.volumes[1].name: Invalid value: "A": a lowercase RFC 1123 label',
        "spec.volumes[2].secret: Forbidden: may not specify more than 1 volume type",
        'spec.volumes[3].name: Duplicate value: "v"',
        "spec.volumes[3].configMap.name: Required value",
        "spec.volumes[4].secret.secretName: Required value",
        "spec.volumes[4].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
        'spec.volumes[5].emptyDir.sizeLimit: Invalid value: "much": quantities must match',
        "spec.volumes[6].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
      ],
    },
    {
      title: "keep their files inside",
      pod: withContainer(
        {},
        {
          volumes: [
            {
              name: "v",
              configMap: { name: "c", items: [{ key: "a", path: "../b" }, { key: "b", path: "/b" }, { path: "..b" }] },
            },
          ],
        },
      ),
      want: [
        "spec.volumes[0].configMap.items[0].path: Invalid value: \"../b\": must not contain '..'",
        'spec.volumes[0].configMap.items[1].path: Invalid value: "/b": must be a relative path',
        "spec.volumes[0].configMap.items[2].key: Required value",
        "spec.volumes[0].configMap.items[2].path: Invalid value: \"..b\": must not start with '..'",
      ],
    },
    {
      title: "are there where they are mounted, at places of their own",
      pod: withContainer(
        {
          volumeMounts: [
            { name: "x", mountPath: "/a" },
            { name: "v", mountPath: "/a", subPath: "../b" },
            { name: "v", mountPath: "data" },
            {},
          ],
        },
        { volumes: [{ name: "v" }] },
      ),
      want: [
        `${c}.volumeMounts[0].name: Not found: "x"`,
        `${c}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`,
        `${c}.volumeMounts[1].subPath: Invalid value: "../b": must not contain '..'`,
        `${c}.volumeMounts[2].mountPath: Invalid value: "data": must be an absolute path`,
        `${c}.volumeMounts[3].name: Required value`,
        `${c}.volumeMounts[3].mountPath: Required value`,
      ],
    },
  ]);
});
