import assert from "node:assert/strict";
import fc from "fast-check";
import { isAppError } from "#core/errors.ts";
import { type Labels, parseFieldSelector, parseLabelSelector } from "#core/selector.ts";

describe("a label selector", () => {
  const cases: { text: string; labels: Labels | undefined; want: boolean }[] = [
    { text: "", labels: undefined, want: true },
    { text: "  ", labels: { a: "b" }, want: true },
    { text: "app=web", labels: { app: "web", tier: "x" }, want: true },
    { text: "app=web", labels: { app: "db" }, want: false },
    { text: "app=web", labels: undefined, want: false },
    { text: "app == web", labels: { app: "web" }, want: true },
    { text: "app=", labels: { app: "" }, want: true },
    { text: "app=", labels: { app: "web" }, want: false },
    { text: "app=,tier=x", labels: { app: "", tier: "x" }, want: true },
    { text: "app!=web", labels: { app: "db" }, want: true },
    { text: "app!=web", labels: {}, want: true },
    { text: "app != web", labels: { app: "web" }, want: false },
    { text: "env in (a, b)", labels: { env: "b" }, want: true },
    { text: "env in (a,b)", labels: { env: "c" }, want: false },
    { text: "env in (a,b)", labels: {}, want: false },
    { text: "env in (a,)", labels: { env: "" }, want: true },
    { text: "env notin (a,b)", labels: { env: "c" }, want: true },
    { text: "env notin (a,b)", labels: {}, want: true },
    { text: "env notin (a,b)", labels: { env: "a" }, want: false },
    { text: "env in(a)", labels: { env: "a" }, want: true },
    { text: "gpu", labels: { gpu: "" }, want: true },
    { text: "gpu", labels: {}, want: false },
    { text: "!gpu", labels: {}, want: true },
    { text: "! gpu", labels: { gpu: "x" }, want: false },
    { text: "in=notin", labels: { in: "notin" }, want: true },
    { text: "in in (in)", labels: { in: "in" }, want: true },
    { text: "notin", labels: { notin: "" }, want: true },
    { text: "example.com/part=Front.1_x", labels: { "example.com/part": "Front.1_x" }, want: true },
    { text: "constructor", labels: {}, want: false },
    { text: "toString notin (a)", labels: {}, want: true },
    { text: "app=web,env in (a,b),!old,gpu", labels: { app: "web", env: "a", gpu: "1" }, want: true },
    { text: "app=web,env in (a,b),!old,gpu", labels: { app: "web", env: "a", gpu: "1", old: "" }, want: false },
  ];
  for (const { text, labels, want } of cases) {
    it(`"${text}" ${want ? "selects" : "leaves out"} ${JSON.stringify(labels)}`, () => {
      assert.equal(parseLabelSelector(text)(labels), want);
    });
  }

  const faults: { text: string; want: string }[] = [
    { text: "app=web,", want: `expected a label's key, found the end at character 9` },
    { text: ",app=web", want: `expected a label's key, found "," at character 1` },
    { text: "app=web tier=x", want: `expected ",", found "tier" at character 9` },
    { text: "=web", want: `expected a label's key, found "=" at character 1` },
    { text: "app=(a)", want: `expected a label's value, found "(" at character 5` },
    { text: "app in a", want: `expected "(", found "a" at character 8` },
    { text: "app in (a", want: `expected "," or ")", found the end at character 10` },
    { text: "app in (a b)", want: `expected "," or ")", found "b" at character 11` },
    { text: "!app=web", want: `expected ",", found "=" at character 5` },
    { text: "!", want: `expected a label's key, found the end at character 2` },
    { text: "a===b", want: `expected a label's value, found "=" at character 4` },
    { text: "a/b/c", want: `not a label's key (a qualified name has at most one '/'), found "a/b/c" at character 1` },
    { text: `a=${"x".repeat(64)}`, want: `not a label's value (must be no more than 63 characters), found "` },
    { text: "app>3", want: `not a label's key (name part must consist` },
  ];
  for (const { text, want } of faults) {
    it(`"${text}" is refused at the place of its fault`, () => {
      assert.throws(
        () => parseLabelSelector(text),
        (error) => {
          assert.ok(isAppError(error, "invalid"));
          assert.ok(error.message.startsWith(`label selector "${text}": ${want}`), error.message);
          return true;
        },
      );
    });
  }

  it("either parses or throws an AppError, on any text", () => {
    const word = fc.constantFrom("a", "in", "notin", "(", ")", ",", "=", "==", "!=", "!", " ", "é", "-");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join("")),
        ),
        (text) => {
          try {
            parseLabelSelector(text)({ a: "in" });
          } catch (error) {
            assert.ok(isAppError(error, "invalid"), String(error));
          }
        },
      ),
    );
  });

  it("selects with = exactly what it leaves out with !=, and so in and notin", () => {
    const word = fc.constantFrom("a", "b", "c");
    fc.assert(
      fc.property(word, fc.array(word, { minLength: 1 }), fc.dictionary(word, word), (key, values, labels) => {
        const selects = (text: string) => parseLabelSelector(text)(labels);
        assert.equal(selects(`${key}=${values[0]}`), !selects(`${key}!=${values[0]}`));
        assert.equal(selects(`${key} in (${values})`), !selects(`${key} notin (${values})`));
        assert.equal(selects(key), !selects(`!${key}`));
        assert.equal(
          selects(`${key} in (${values})`),
          values.some((value) => selects(`${key}=${value}`)),
        );
      }),
    );
  });
});

describe("a field selector", () => {
  const pod = {
    metadata: { name: "web", namespace: "default" },
    spec: { nodeName: "node-1", restartPolicy: "Always", hostNetwork: true },
    status: { phase: "Running", podIP: "10.244.1.2" },
  };
  const event = {
    metadata: { name: "web.1", namespace: "default" },
    involvedObject: { kind: "Pod", name: "web", namespace: "default", uid: "u", fieldPath: "spec.containers{web}" },
    ...{ reason: "BackOff", type: "Warning", source: { component: "kubelet", host: "node-1" } },
  };
  const cases: { text: string; object: object; kind: string; want: boolean }[] = [
    { text: "involvedObject.kind=Pod,involvedObject.name=web", kind: "Event", object: event, want: true },
    { text: "involvedObject.fieldPath=spec.containers{web}", kind: "Event", object: event, want: true },
    { text: "involvedObject.uid=other", kind: "Event", object: event, want: false },
    { text: "type!=Normal,reason=BackOff", kind: "Event", object: event, want: true },
    { text: "source=kubelet", kind: "Event", object: event, want: true },
    { text: "source=kubelet", kind: "Event", object: { reportingComponent: "kubelet" }, want: true },
    { text: "source=", kind: "Event", object: event, want: false },
    { text: "type=Opaque", kind: "Secret", object: { type: "Opaque" }, want: true },
    { text: "metadata.namespace=a", kind: "ConfigMap", object: { metadata: { namespace: "b" } }, want: false },
    { text: "spec.schedulerName=default-scheduler", kind: "Pod", object: pod, want: true },
    { text: "", kind: "Pod", object: pod, want: true },
    { text: "metadata.name=web", kind: "Pod", object: pod, want: true },
    { text: "metadata.name==db", kind: "Pod", object: pod, want: false },
    { text: "metadata.namespace!=kube-system", kind: "Pod", object: pod, want: true },
    { text: "spec.nodeName=node-1,status.phase=Running", kind: "Pod", object: pod, want: true },
    { text: "spec.nodeName=node-1,status.phase!=Running", kind: "Pod", object: pod, want: false },
    { text: "spec.nodeName=", kind: "Pod", object: { metadata: { name: "a" } }, want: true },
    { text: "spec.hostNetwork=false", kind: "Pod", object: {}, want: true },
    { text: "spec.hostNetwork=true", kind: "Pod", object: pod, want: true },
    { text: " status.podIP = 10.244.1.2 ", kind: "Pod", object: pod, want: true },
    { text: "spec.unschedulable=false", kind: "Node", object: { metadata: { name: "n" } }, want: true },
    { text: "spec.unschedulable=true", kind: "Node", object: { spec: { unschedulable: true } }, want: true },
    { text: "status.phase=Active", kind: "Namespace", object: { status: { phase: "Active" } }, want: true },
    { text: "metadata.name=x", kind: "SomethingElse", object: { metadata: { name: "x" } }, want: true },
  ];
  for (const { text, kind, object, want } of cases) {
    it(`"${text}" ${want ? "selects" : "leaves out"} the ${kind} ${JSON.stringify(object)}`, () => {
      assert.equal(parseFieldSelector(text, kind)(object), want);
    });
  }

  const faults: { text: string; kind: string; want: RegExp }[] = [
    {
      text: "spec.foo=1",
      kind: "Pod",
      want: /^field label not supported: spec\.foo \(supported: metadata\.name, metadata\.namespace,/,
    },
    {
      text: "spec.nodename=1",
      kind: "Pod",
      want: /^field label not supported: spec\.nodename \(did you mean spec\.nodeName\?\)$/,
    },
    { text: "spec.nodeName=node-1", kind: "Node", want: /^field label not supported: spec\.nodeName/ },
    { text: "constructor=1", kind: "constructor", want: /^field label not supported: constructor/ },
    { text: "metadata.name", kind: "Pod", want: /"metadata\.name" is none of FIELD=VALUE/ },
    { text: "=web", kind: "Pod", want: /^field label not supported: {2}\(supported/ },
  ];
  for (const { text, kind, want } of faults) {
    it(`"${text}" is refused for a ${kind}`, () => {
      assert.throws(
        () => parseFieldSelector(text, kind),
        (error) => isAppError(error, "invalid") && want.test(error.message),
      );
    });
  }
});
