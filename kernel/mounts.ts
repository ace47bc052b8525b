/* File systems in memory that outlive the process which mounts them, by system calls: starting `mount` costs more than what it does. */

import { readFileSync } from "node:fs";
import koffi from "koffi";
import { errno, errnos, systemCallFailed } from "./ffi.ts";

export interface TmpfsOptions {
  /** Half of the machine's memory where it is absent. */
  readonly sizeBytes?: number | undefined;
  /** Of its root: 0o777. */
  readonly mode: number;
  /** Of its root; root's where it is absent. */
  readonly group?: number | undefined;
}

const noSuid = 2;
const noDevices = 4;
const detach = 2;

interface Calls {
  mount(source: string, target: string, type: string, flags: number, data: string): number;
  umount2(target: string, flags: number): number;
}

let loaded: Calls | undefined;

export function mountTmpfs(path: string, { sizeBytes, mode, group = 0 }: TmpfsOptions): void {
  const size = sizeBytes === undefined ? "" : `,size=${sizeBytes}`;
  if (calls().mount("tmpfs", path, "tmpfs", noSuid | noDevices, `mode=${mode.toString(8)},gid=${group}${size}`) === 0) return;
  throw systemCallFailed("internal", `a tmpfs can't be mounted on ${path}`, errno());
}

/** Of what is mounted there; false where nothing is. What still uses it keeps it until its end. */
export function unmount(path: string): boolean {
  if (calls().umount2(path, detach) === 0) return true;
  const number = errno();
  if (number === errnos.EINVAL || number === errnos.ENOENT) return false;
  throw systemCallFailed("internal", `${path} can't be unmounted`, number);
}

export interface MountPoint {
  readonly path: string;
  /** "rw", "nosuid", "relatime"… */
  readonly options: readonly string[];
}

/** All that this process sees, those below others included. */
export function readMountPoints(): MountPoint[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, , , , path = "", options = ""] = line.split(" ");
    return { path: unescaped(path), options: options.split(",") };
  });
}

export function isMountPoint(path: string): boolean {
  return readMountPoints().some((mount) => mount.path === path);
}

/**
 * What the mount that holds `path` denies. Whoever makes a bind of it must deny that too: what the machine mounted is not an ordinary
 * user's to allow.
 */
export function denialsOf(path: string, mounts: readonly MountPoint[]): string[] {
  const holding = mounts.filter((mount) => path === mount.path || path.startsWith(mount.path === "/" ? "/" : `${mount.path}/`));
  // Of several at one place the last lies on top.
  const nearest = holding.reduce<MountPoint | undefined>(
    (best, mount) => (mount.path.length >= (best?.path.length ?? 0) ? mount : best),
    undefined,
  );
  return nearest?.options.filter((option) => denials.includes(option)) ?? [];
}

const denials = ["nosuid", "nodev", "noexec"];

/** As the kernel writes it, a space is \040. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function calls(): Calls {
  if (loaded === undefined) {
    const library = koffi.load(null);
    loaded = {
      mount: library.func(
        "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
      ),
      umount2: library.func("int umount2(const char *target, int flags)"),
    };
  }
  return loaded;
}
