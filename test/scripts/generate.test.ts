import assert from "node:assert/strict";
import { renderComments, renderTable } from "../../scripts/generate.ts";

const field = (name: string, number: number, type: string, more: { label?: string; typeName?: string } = {}) => ({
  name,
  jsonName: name,
  number,
  type,
  label: "LABEL_OPTIONAL",
  ...more,
});

describe("the checker's table", () => {
  it("says of each field its shape, its type and whether it is only kept", () => {
    const message = {
      name: "Pod",
      field: [
        field("phase", 1, "TYPE_STRING"),
        field("args", 2, "TYPE_STRING", { label: "LABEL_REPEATED" }),
        field("labels", 3, "TYPE_MESSAGE", { label: "LABEL_REPEATED", typeName: ".podwire.v1.Pod.LabelsEntry" }),
        field("spec", 4, "TYPE_MESSAGE", { typeName: ".podwire.v1.PodSpec" }),
        field("count", 5, "TYPE_INT64"),
        field("affinity", 30, "TYPE_MESSAGE", { typeName: ".google.protobuf.Struct" }),
        field("volumes", 31, "TYPE_MESSAGE", { label: "LABEL_REPEATED", typeName: ".google.protobuf.Value" }),
      ],
      nestedType: [
        {
          name: "LabelsEntry",
          field: [field("key", 1, "TYPE_STRING"), field("value", 2, "TYPE_BOOL")],
          options: { mapEntry: true },
        },
      ],
    };
    const table = renderTable([{ name: "Resource" }, message]);
    const lines = table.slice(table.indexOf("export")).split("\n");
    assert.deepEqual(lines, [
      "export const schema: Readonly<Record<string, MessageSchema>> = {",
      "  Pod: {",
      '    phase: {"shape":"one","type":"string"},',
      '    args: {"shape":"list","type":"string"},',
      '    labels: {"shape":"map","type":"bool"},',
      '    spec: {"shape":"one","type":{"message":"PodSpec"}},',
      '    count: {"shape":"one","type":"int64"},',
      '    affinity: {"shape":"one","type":"struct","kept":true},',
      '    volumes: {"shape":"list","type":"value","kept":true},',
      "  },",
      "};",
      "",
    ]);
  });

  it("has no room for types that the checker does not know", () => {
    const message = { name: "Pod", field: [field("data", 1, "TYPE_BYTES")] };
    assert.throws(() => renderTable([message]), /the object checker knows no TYPE_BYTES/);
  });
});

describe("the comments that explain prints", () => {
  it("are those of messages and fields, by the names that manifests have", () => {
    const text = renderComments({
      name: "resources.proto",
      messageType: [{ name: "Pod", field: [field("phase", 1, "TYPE_STRING"), field("hostPID", 30, "TYPE_BOOL")] }],
      sourceCodeInfo: {
        location: [
          {},
          { path: [12], leadingComments: " Of the file." },
          { path: [4, 0], leadingComments: " Containers\n that go together.\n" },
          { path: [4, 0, 2, 0], leadingComments: " How it is.\n" },
          { path: [4, 0, 2, 0, 5], leadingComments: " Of a part of the field." },
          { path: [4, 0, 2, 1], leadingComments: " Kept, not acted on.\n" },
        ],
      },
    });
    assert.deepEqual(text.slice(text.indexOf("export")).split("\n"), [
      "export const comments: Readonly<Record<string, string>> = {",
      '  "Pod": "Containers that go together.",',
      '  "Pod.phase": "How it is.",',
      "};",
      "",
    ]);
  });
});
