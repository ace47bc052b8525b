/* What a container sees of the file system, as a table for `mount -a`: one program does it all, since starting one costs more than what
 * it does. The host's files, read-only, and over them:
 *   /dev   STATE/dev: six harmless devices, shared memory, terminals of its own
 *   /run   new, with /run/podwire: STATE/podwire, where the built-in programs are, and the volumes until they are put in their places
 *   /tmp and other folders whose contents are nobody's business   new, `scratchBytesMax` each
 * The host's secrets are covered. Its / itself, which `mount -a` never touches, is left to container.sh. */

import { existsSync, linkSync, mkdirSync, readlinkSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { denialsOf, type MountPoint, readMountPoints } from "./mounts.ts";
import { identify } from "./processes.ts";
import { toolboxFolder } from "./toolbox.ts";

export interface MountTableInput {
  /** Has `etc` with the container's own files. Where the container may not see it, it must lie in `hidden`. */
  readonly stateDir: string;
  /** A folder that the container must not see. */
  readonly hidden: string;
  /** Folders or files of the host, each for the container's volume of that number. */
  readonly volumes: readonly WaitingVolume[];
}

interface WaitingVolume {
  readonly source: string;
  readonly readOnly: boolean;
}

const scratchBytesMax = 64 * 1024 * 1024;
const scratchFilesMax = 16_384;

const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const deviceLinks = { fd: "/proc/self/fd", stdin: "fd/0", stdout: "fd/1", stderr: "fd/2", ptmx: "pts/ptmx" };
/** Whoever is root in a container may read what the host's root may. */
const secretFiles = ["shadow", "shadow-", "gshadow", "gshadow-"].map((name) => `/etc/${name}`);
const secretFolders = ["/etc/ssh", "/etc/ssl/private", "/etc/kubernetes", "/var/lib/kubelet", "/var/spool", "/boot"];
const sharedFolders = ["/tmp", "/var/tmp"];
const privateFolders = ["/var/log", "/root", "/home"];
/** Files there that change the machine ask for no capability, only for its root. */
const machineFolders = ["/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq"];

/** Where it is, the container sees it as /dev/termination-log, for its last words. */
export function terminationLogOf(stateDir: string): string {
  return join(stateDir, "termination-log");
}

/** The source, the target, the type, the options. */
type Line = readonly [source: string, target: string, type: string, options: string];

/** Fills the state folder with what the table needs; answers the table's text. */
export function mountTable({ stateDir, hidden, volumes }: MountTableInput): string {
  const dev = join(stateDir, "dev");
  const run = join(stateDir, "run");
  const proc = join(stateDir, "proc");
  const own = join(stateDir, "podwire");
  const empty = join(stateDir, "empty");
  const volumeFolders = volumes.map((_, i) => join(own, "volumes", String(i)));
  for (const folder of [join(dev, "shm"), join(dev, "pts"), join(own, "toolbox"), run, proc, join(own, "volumes")]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const [i, point] of volumeFolders.entries()) {
    if (statSync(volumes[i]?.source ?? "").isFile()) writeFileSync(point, "");
    else mkdirSync(point);
  }
  const log = terminationLogOf(stateDir);
  const logs = there([log]).map((path) => bind(path, join(dev, basename(path)), "rw,nosuid,nodev"));
  if (logs.length > 0) writeFileSync(join(dev, basename(log)), "");
  for (const file of [...devices.map((name) => join(dev, name)), join(own, "node"), empty]) writeFileSync(file, "");
  for (const [name, target] of Object.entries(deviceLinks)) symlinkSync(target, join(dev, name));
  const etc = etcTargets();

  const lines: Line[] = [
    // Read-only, or what is done to a device's file in here were done to the host's.
    ...devices.map((name) => bind(join("/dev", name), join(dev, name), "ro,nosuid")),
    ...logs,
    scratch(join(dev, "shm"), "mode=1777"),
    [source, join(dev, "pts"), "devpts", "newinstance,ptmxmode=0666,mode=620,nosuid,noexec"],
    bind(process.execPath, join(own, "node")),
    bind(toolboxFolder(), join(own, "toolbox")),
    [source, proc, "proc", "nosuid,nodev,noexec"],
    // Not in /proc itself: where Docker did the same, they would be left out.
    ...there(machineFolders).map((path) => bind(join(stateDir, path), join(stateDir, path), "ro,nosuid,nodev,noexec")),
    ...there(["/proc/sysrq-trigger"]).map((path) => bind("/dev/null", join(stateDir, path), "ro,nosuid")),
    // Read-only where they wait, too: a container may have another volume mounted there.
    ...volumes.map(({ source, readOnly }, i) => bind(source, volumeFolders[i] ?? "", `${readOnly ? "ro" : "rw"},nosuid,nodev`)),
    scratch(run, "mode=755"),
    [own, join(run, "podwire"), "none", "rbind,ro,X-mount.mkdir"],
    scratch(join(run, "lock"), "mode=1777,X-mount.mkdir"),
    ...foldersInRun(stateDir, etc).map(([folder, inRun]) => bind(folder, join(run, inRun), "rw,nosuid,nodev,X-mount.mkdir")),
    ...etc.flatMap(({ name, target }) =>
      isIn("/run", target) ? [] : [bind(join(stateDir, "etc", name), target, "rw,nosuid,nodev")],
    ),
    ...there(secretFiles).map((path) => bind(empty, path)),
    ...there(secretFolders).map((path) => scratch(path, "mode=755,ro")),
    [dev, "/dev", "none", "rbind,ro"],
    [proc, "/proc", "none", "rbind"],
    [run, "/run", "none", "rbind"],
    ...there(isIn("/run", hidden) ? [] : [hidden]).map((path) => scratch(path, "mode=0,ro")),
    ...there(sharedFolders).map((path) => scratch(path, "mode=1777")),
    ...there(privateFolders).map((path) => scratch(path, "mode=755")),
  ];
  const machine = readMountPoints();
  return lines.map((line) => `${deniedAsBefore(line, machine).map(escaped).join(" ")} 0 0\n`).join("");
}

/** A bind with options of its own would allow again what its source's mount denies. */
function deniedAsBefore([from, target, type, options]: Line, machine: readonly MountPoint[]): Line {
  const hasOwn = type === "none" && /,r[ow]/.test(options);
  return [from, target, type, hasOwn ? [options, ...denialsOf(realPath(from), machine)].join(",") : options];
}

/** Of what comes to be during the table, itself. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** `mount -a` leaves out what seems to be there already, so the source's name must be nobody else's: no host has it, nor a container around this one. */
const source = `podwire-${process.pid}-${identify(process.pid)?.startTicks}`;

function bind(folder: string, target: string, options = "ro,nosuid,nodev"): Line {
  return [folder, target, "none", `bind,${options}`];
}

function scratch(target: string, options: string): Line {
  return [source, target, "tmpfs", `nosuid,nodev,size=${scratchBytesMax},nr_inodes=${scratchFilesMax},${options}`];
}

function there(paths: readonly string[]): string[] {
  return paths.filter((path) => existsSync(path));
}

function isIn(folder: string, path: string): boolean {
  return path.startsWith(`${folder}/`);
}

interface EtcTarget {
  readonly name: string;
  /** What /etc/NAME is: itself, or where it links to. */
  readonly target: string;
}

function etcTargets(): EtcTarget[] {
  return ["hosts", "resolv.conf", "hostname"].flatMap((name) => {
    const path = join("/etc", name);
    const target = existsSync(path) ? realpathSync(path) : linkTarget(path);
    return target === undefined || !(existsSync(target) || isIn("/run", target)) ? [] : [{ name, target }];
  });
}

/** Of a link to nothing: what it links to is often in /run, and replaced. */
function linkTarget(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** The files whose place is in /run come there by the folder, which needs no file to be mounted on: a folder of ours, and its name under /run. */
function foldersInRun(stateDir: string, etc: readonly EtcTarget[]): [folder: string, inRun: string][] {
  const inRun = etc.filter(({ target }) => isIn("/run", target));
  const names = [...new Set(inRun.map(({ target }) => relative("/run", dirname(target))))];
  return names.map((name, i) => {
    const folder = join(stateDir, "links", String(i));
    mkdirSync(folder, { recursive: true });
    for (const { name: file, target } of inRun) {
      if (relative("/run", dirname(target)) === name) linkSync(join(stateDir, "etc", file), join(folder, basename(target)));
    }
    return [folder, name];
  });
}

/** What fstab(5) can't say as it is. */
function escaped(word: string): string {
  return word.replace(/[\s\\]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
