/* The npm package, as `npm pack` makes it of a copy of this checkout, and its installation in the forms that package managers have. No
 * registry is asked: what it depends on is linked from the checkout, and only what its package.json names. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const project = join(import.meta.dirname, "..", "..");
/** What no clone has. */
const leftOut = ["node_modules", ".git", "dist", "coverage"];

export interface Packed {
  readonly tarball: string;
  readonly files: readonly PackedFile[];
}

export interface PackedFile {
  /** From the package's root. */
  readonly path: string;
  readonly bytes: number;
}

/** Runs `npm pack` in `folder`, which is empty. */
export function pack(folder: string): Packed {
  const copy = join(folder, "checkout");
  mkdirSync(copy);
  for (const name of readdirSync(project).filter((name) => !leftOut.includes(name))) {
    cpSync(join(project, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(project, "node_modules"), join(copy, "node_modules"));
  const env = { PATH: process.env.PATH, HOME: folder, npm_config_update_notifier: "false" };
  execFileSync("npm", ["pack", "--pack-destination", folder], { cwd: copy, env, stdio: ["ignore", "ignore", "pipe"] });
  const [name = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const tarball = join(folder, name);
  const unpacked = join(folder, "unpacked");
  unpack(tarball, unpacked);
  return { tarball, files: filesBelow(unpacked) };
}

export interface Layout {
  /** Which package manager installs so. */
  readonly name: string;
  /** Where it puts the package, what the package depends on, and the command. */
  readonly home: string;
  readonly modules: string;
  readonly command: string;
  /** What the command is. */
  readonly as: "link" | "script";
}

const besides: Layout = {
  name: "npm and npx",
  home: "node_modules/podwire",
  modules: "node_modules",
  command: "node_modules/.bin/podwire",
  as: "link",
};

const store = "node_modules/.pnpm/podwire@0.0.0/node_modules";

export const layouts: readonly Layout[] = [
  besides,
  { ...besides, name: "npm where other versions are in the way", modules: "node_modules/podwire/node_modules" },
  {
    name: "npm --global",
    home: "lib/node_modules/podwire",
    modules: "lib/node_modules/podwire/node_modules",
    command: "bin/podwire",
    as: "link",
  },
  { name: "pnpm", home: `${store}/podwire`, modules: store, command: "node_modules/.bin/podwire", as: "script" },
];

export interface Installed {
  readonly home: string;
  readonly command: string;
}

/** Installs into `root`, an empty folder. */
export function install({ tarball }: Packed, root: string, layout = besides): Installed {
  const home = join(root, layout.home);
  const command = join(root, layout.command);
  unpack(tarball, home);
  linkDependencies(home, join(root, layout.modules));
  const target = relative(dirname(command), join(home, "podwire"));
  if (layout.as === "link") link(target, command);
  else writeScript(command, `#!/bin/sh\nexec sh "$(dirname "$0")/${target}" "$@"\n`);
  return { home, command };
}

function unpack(tarball: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["--extract", "--file", tarball, "--directory", folder, "--strip-components=1"]);
}

function linkDependencies(home: string, modules: string): void {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const there = join(project, "node_modules", name);
    // Those for other processors are not.
    if (statSync(there, { throwIfNoEntry: false }) !== undefined) link(there, join(modules, name));
  }
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

function writeScript(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
}

function filesBelow(folder: string): PackedFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((path) => {
    const status = statSync(join(folder, path));
    return status.isFile() ? [{ path, bytes: status.size }] : [];
  });
}
