/* The npm package, as `npm pack` makes it of a copy of this checkout, and its installation in the forms that package managers have. No
 * registry is asked: what it depends on is linked from the checkout, and only what its package.json names. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

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

/** What an installation gives: the command, and the package's folder. */
export interface Installed {
  readonly command: string;
  readonly home: string;
}

type Install = (tarball: string, root: string) => Installed;

/** npm and yarn, and npx in a folder of its own. */
const hoisted: Install = (tarball, root) => {
  const modules = join(root, "node_modules");
  const home = join(modules, "podwire");
  unpack(tarball, home);
  linkDependencies(home, modules);
  return { home, command: link("../podwire/podwire", join(modules, ".bin", "podwire")) };
};

/** npm, where other versions of what we need are in the way. */
const nested: Install = (tarball, root) => {
  const modules = join(root, "node_modules");
  const home = join(modules, "podwire");
  unpack(tarball, home);
  linkDependencies(home, join(home, "node_modules"));
  return { home, command: link("../podwire/podwire", join(modules, ".bin", "podwire")) };
};

/** `npm install --global` */
const global: Install = (tarball, root) => {
  const home = join(root, "lib", "node_modules", "podwire");
  unpack(tarball, home);
  linkDependencies(home, join(home, "node_modules"));
  return { home, command: link("../lib/node_modules/podwire/podwire", join(root, "bin", "podwire")) };
};

/** pnpm: a store of real folders, links into it, and a script as the command. */
const linked: Install = (tarball, root) => {
  const modules = join(root, "node_modules");
  const own = join(modules, ".pnpm", "podwire@0.0.0", "node_modules");
  unpack(tarball, join(own, "podwire"));
  linkDependencies(join(own, "podwire"), own);
  const home = link(".pnpm/podwire@0.0.0/node_modules/podwire", join(modules, "podwire"));
  const command = join(modules, ".bin", "podwire");
  mkdirSync(dirname(command));
  writeFileSync(command, `#!/bin/sh\nexec sh "\${0%/*}/../podwire/podwire" "$@"\n`, { mode: 0o755 });
  return { home, command };
};

export const installs = { hoisted, nested, global, linked } satisfies Record<string, Install>;

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

function link(target: string, path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
  return path;
}

function filesBelow(folder: string): PackedFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((path) => {
    const status = statSync(join(folder, path));
    return status.isFile() ? [{ path, bytes: status.size }] : [];
  });
}
