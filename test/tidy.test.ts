/* The rules of ARCHITECTURE.md that a program can check: who may import whom, and what is written where. */

import { deepEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { nameAsBuilt } from "#kernel/toolbox.ts";

const project = join(import.meta.dirname, "..");

interface Source {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
}

function sources(): Source[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: project,
    encoding: "utf8",
  });
  return listed
    .split("\n")
    .filter((path) => /\.m?ts$/.test(path) && !path.startsWith("proto/gen/") && !path.endsWith(".gen.ts"))
    .flatMap((path) => {
      try {
        return [{ path, text: readFileSync(join(project, path), "utf8") }];
      } catch {
        // Deleted, but not committed yet.
        return [];
      }
    });
}

/** Which folders each may import from, beside itself and packages. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: ["proto"],
  rpc: ["core"],
  process: ["core"],
  kernel: ["core", "process"],
  "control-plane": ["core", "proto", "rpc", "process"],
  "node-agent": ["core", "proto", "rpc", "process", "kernel"],
  embedded: ["core", "proto", "rpc", "process", "kernel"],
  cli: ["core", "proto", "rpc", "process", "kernel", "embedded", "toolbox"],
  toolbox: [],
  testing: [],
};

const startsPrograms = ["kernel", "testing", "scripts", "test", "bench", "toolbox"];
const readsTimeOrChance = ["process", "kernel", "scripts", "test", "bench", "toolbox", "rpc"];
const linesMax = 400;

describe("the source tree", () => {
  const all = sources();
  const product = all.filter(({ path }) => path.split("/")[0] !== undefined && (path.split("/")[0] ?? "") in layers);

  it("has the layers that ARCHITECTURE.md draws", () => {
    const strays = product.flatMap(({ path, text }) =>
      importsOf(text)
        .map((specifier) => folderOf(path, specifier))
        .filter((target): target is string => target !== undefined && !isAllowed(folder(path), target))
        .map((target) => `${path} imports from ${target}/`),
    );
    deepEqual(strays, []);
  });

  it("starts programs from kernel/ only", () => {
    const strays = product.filter(
      ({ path, text }) => !startsPrograms.includes(folder(path)) && /["'](node:)?child_process["']/.test(text),
    );
    deepEqual(
      strays.map(({ path }) => path),
      [],
    );
  });

  it("builds no command line as text", () => {
    const strays = product.filter(({ text }) => /\bshell:\s*true|\bexecSync\(|[^.\w]exec\(`/.test(text));
    deepEqual(
      strays.map(({ path }) => path),
      [],
    );
  });

  it("takes time and chance as arguments", () => {
    const strays = product.filter(
      ({ path, text }) =>
        !readsTimeOrChance.includes(folder(path)) &&
        /\bDate\.now\(|\bMath\.random\(|\bperformance\.now\(|new Date\(\)/.test(text),
    );
    deepEqual(
      strays.map(({ path }) => path),
      [],
    );
  });

  // Anywhere else the name would still end in .ts in what is built: import.meta.resolve gives a program's path.
  it("names modules only where they are imported or resolved", () => {
    const strays = product.flatMap(({ path, text }) =>
      [...nameAsBuilt(text).matchAll(/"[^"\n]*\.m?ts"/g)].map(([name]) => `${path} names ${name}`),
    );
    deepEqual(strays, []);
  });

  it("has no default exports, no marks and no long files", () => {
    const strays = product.flatMap(({ path, text }) => [
      ...(/^export default/m.test(text) ? [`${path}: a default export`] : []),
      ...(/\b(TODO|FIXME|XXX|HACK)\b/.test(text) ? [`${path}: a mark`] : []),
      ...(text.split("\n").length > linesMax ? [`${path}: more than ${linesMax} lines`] : []),
    ]);
    deepEqual(strays, []);
  });

  it("has no skipped and no exclusive test", () => {
    const strays = all.filter(
      ({ path, text }) => path.endsWith(".test.ts") && /\b(it|describe|context)\.(skip|only)\(|this\.skip\(/.test(text),
    );
    deepEqual(
      strays.map(({ path }) => path).filter((path) => path !== "test/tidy.test.ts"),
      [],
    );
  });
});

function folder(path: string): string {
  return path.split("/")[0] ?? "";
}

function importsOf(text: string): string[] {
  return [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** The top-level folder that an import leads to, or undefined for a package. */
function folderOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1).split("/")[0];
  if (specifier.startsWith(".")) return folder(normalize(join(dirname(path), specifier)));
  return undefined;
}

function isAllowed(from: string, to: string): boolean {
  return from === to || to === "proto" || (layers[from] ?? []).includes(to);
}
