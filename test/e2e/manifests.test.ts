/* What a user gets for a mistake: the whole list of what is wrong, with file, document, path and reason, and nothing changed. */

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, clusterHome, startCluster } from "../support/cluster.ts";
import { cleanEnv, runPodwire } from "../support/podwire.ts";

const good = (name: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  containers: [{name: main, image: podwire/toolbox}]
`;

describe("mistakes in manifests", () => {
  let cluster: Cluster;
  let folder: string;
  let nothing: string;
  before(async () => {
    cluster = await startCluster({ nodes: 1 });
    folder = clusterHome();
    nothing = await cluster.run("get", "pods,namespaces", "-A", "-o", "name");
  });

  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster[Symbol.asyncDispose]();
  });

  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const nothingMade = async () => assert.equal(await cluster.run("get", "pods,namespaces", "-A", "-o", "name"), nothing);

  for (const { what, text, says } of [
    { what: "an unknown kind", text: good("x").replace("kind: Pod", "kind: Pood"), says: [/Pood/] },
    { what: "a wrong version", text: good("x").replace("v1", "v2"), says: [/v2/] },
    { what: "a wrong type", text: `${good("x")}  hostNetwork: "yes"\n`, says: [/spec\.hostNetwork/] },
    { what: "a bad name", text: good("Big_Name"), says: [/metadata\.name.*Big_Name/] },
    { what: "a missing name", text: good("x").replace("{name: x}", "{}"), says: [/metadata\.name/] },
    { what: "a missing image", text: good("x").replace(", image: podwire/toolbox", ""), says: [/spec\.containers\[0\]\.image/] },
    { what: "no containers", text: good("x").replace(/ {2}containers.*/, "  containers: []"), says: [/spec\.containers/] },
    {
      what: "a port out of range",
      text: good("x").replace("toolbox}", "toolbox, ports: [{containerPort: 70000}]}"),
      says: [/containerPort.*70000/],
    },
    { what: "text that is no YAML", text: "kind: [Pod", says: [/line 1|\(1:|1,/] },
    { what: "YAML that is no object", text: "- 1\n- 2\n", says: [/object/i] },
    {
      what: "several mistakes",
      text: good("Big_Name").replace("main", "M").replace(", image: podwire/toolbox", ""),
      says: [/metadata\.name/, /spec\.containers\[0\]\.name/, /spec\.containers\[0\]\.image/],
    },
  ]) {
    it(`names ${what}, and changes nothing`, async () => {
      const path = file("wrong.yaml", text);
      const { code, stdout, stderr } = await cluster.podwire("apply", "-f", path);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /wrong\.yaml/);
      for (const pattern of says) assert.match(stderr, pattern);
      assert.doesNotMatch(stderr, /bug in podwire/);
      await nothingMade();
    });
  }

  it("names every wrong document of several files at once, and makes none of the good ones", async () => {
    const one = file("one.yaml", [good("fine"), good("Bad_One"), good("fine-too")].join("---\n"));
    const two = file("two.yaml", [good("third"), good("fourth").replace("image: podwire/toolbox", "imgae: x")].join("---\n"));
    const { code, stdout, stderr } = await cluster.podwire("apply", "-f", one, "-f", two);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /one\.yaml, document 2.*Bad_One/s);
    assert.match(stderr, /two\.yaml, document 2.*spec\.containers\[0\]\.image/s);
    await nothingMade();
  });

  it("names the document that asks for a namespace that isn't there, and makes none of the others", async () => {
    const lost = good("lost").replace("{name: lost}", "{name: lost, namespace: nowhere}");
    const path = file("lost.yaml", [good("fine"), lost].join("---\n"));
    const { code, stdout, stderr } = await cluster.podwire("apply", "-f", path);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /\(NotFound\): .*lost\.yaml, document 2: namespaces "nowhere" not found/);
    await nothingMade();
  });

  it("drops an unknown field with a warning that names it, and refuses it with --validate=strict", async () => {
    const path = file("odd.yaml", `${good("odd")}  replicsa: 3\n`);
    const strict = await cluster.podwire("apply", "-f", path, "--validate=strict");
    assert.equal(strict.code, 1);
    assert.match(strict.stderr, /spec\.replicsa/);
    await nothingMade();
    const warned = await cluster.podwire("apply", "-f", path);
    assert.deepEqual([warned.code, warned.stdout], [0, "pod/odd created\n"]);
    assert.match(warned.stderr, /^Warning: .*spec\.replicsa/);
    await cluster.run("delete", "pod", "odd", "--grace-period=0", "--force");
  });

  it("reads a folder, and names the file in it that is wrong", async () => {
    const inner = join(folder, "many");
    mkdirSync(inner);
    writeFileSync(join(inner, "a.yaml"), good("a"));
    writeFileSync(join(inner, "b.json"), '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": {}}');
    const { code, stderr } = await cluster.podwire("apply", "-f", inner);
    assert.equal(code, 1);
    assert.match(stderr, /many\/b\.json.*spec\.containers/s);
    await nothingMade();
  });

  it("refuses a change of what can't change", async () => {
    const path = file("fixed.yaml", good("fixed"));
    await cluster.run("apply", "-f", path);
    writeFileSync(path, good("fixed").replace("podwire/toolbox", "podwire/toolbox, args: [pause]"));
    const { code, stderr } = await cluster.podwire("apply", "-f", path);
    assert.equal(code, 1);
    assert.match(stderr, /fixed\.yaml.*spec/s);
    await cluster.run("delete", "pod", "fixed", "--grace-period=0", "--force");
  });
});

describe("mistakes on the command line", () => {
  const env = cleanEnv({ XDG_RUNTIME_DIR: "/nonexistent" });
  for (const { words, says } of [
    { words: ["gte", "pods"], says: /unknown command "gte" for "podwire"\n\nDid you mean this\?\n\tget\n/ },
    { words: ["verfy"], says: /\tverify\n/ },
    { words: ["get", "pods", "--namspace", "x"], says: /unknown flag: --namspace\n\nDid you mean this\?\n\t--namespace\n/ },
    { words: ["get", "pods", "-x"], says: /unknown shorthand flag: 'x'/ },
    { words: ["get", "pods"], says: /no cluster is running on this machine\. Start one with `podwire up`/ },
    { words: ["get", "pods", "--cluster", "nope"], says: /cluster "nope" isn't running.*podwire up --name nope/ },
    { words: ["verify"], says: /podwire up/ },
    { words: ["get", "pods", "--server", "127.0.0.1:1"], says: /127\.0\.0\.1:1/ },
    { words: ["get", "pods", "--server", "nonsense"], says: /"nonsense" is no address/ },
  ]) {
    it(`podwire ${words.join(" ")} says what to do`, async () => {
      const { code, stdout, stderr } = await runPodwire(words, { env });
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, says);
    });
  }
});
