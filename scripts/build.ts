/* build.ts [--no-types]
 *
 * Makes dist/, which is what the npm package runs: Node strips no types below node_modules. Each TypeScript file becomes JavaScript with
 * the same name, place and lines; what else lies in the product's folders is copied. dist/package.json makes `#core/…` lead to dist/core. Types are
 * made for what users import, podwire/testing; that alone needs more than Node. */

import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { nameAsBuilt } from "#kernel/toolbox.ts";

const project = join(import.meta.dirname, "..");
const dist = join(project, "dist");
const folders = [
  ...["core", "rpc", "process", "kernel", "control-plane", "node-agent", "cli", "embedded", "testing", "toolbox"],
  join("proto", "gen"),
];

async function build(): Promise<void> {
  await rm(dist, { recursive: true, force: true });
  for (const folder of folders) await buildFolder(folder);
  if (!process.argv.includes("--no-types")) writeTypes();
  const { name, version, type, imports } = JSON.parse(await readFile(join(project, "package.json"), "utf8"));
  await writeFile(join(dist, "package.json"), `${JSON.stringify({ name, version, type, imports }, null, 2)}\n`);
}

/** What is published says all that it means by itself, so each declaration stands alone. */
function writeTypes(): void {
  const tsc = join(project, "node_modules", ".bin", "tsc");
  execFileSync(tsc, ["--project", join(import.meta.dirname, "types.json")], { stdio: "inherit" });
}

async function buildFolder(folder: string): Promise<void> {
  await mkdir(join(dist, folder), { recursive: true });
  for (const entry of await readdir(join(project, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await buildFolder(path);
    else if (/\.m?ts$/.test(path)) await writeJavaScript(path);
    else await copyFile(join(project, path), join(dist, path));
  }
}

async function writeJavaScript(path: string): Promise<void> {
  const typeScript = await readFile(join(project, path), "utf8");
  await writeFile(join(dist, path.replace(/ts$/, "js")), nameAsBuilt(stripTypeScriptTypes(typeScript)));
}

if (import.meta.main) await build();
