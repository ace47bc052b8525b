/* A user without rights and without a name, as which tests run podwire. What such a user can't reach on some machines, the checkout and the
 * TUN device, is laid where it can, in the tests' own mount namespace. */

import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireSandbox } from "./sandbox.ts";

const project = join(import.meta.dirname, "..", "..");
/** Any folder that every machine has and nobody needs here. */
const place = "/mnt";
const checkout = join(place, "podwire");

export interface OrdinaryUser extends Disposable {
  readonly uid: number;
  /** A folder of the user's own. */
  readonly home: string;
  /** What begins with these words is run as the user. */
  readonly words: readonly string[];
  /** The CLI, where the user can reach it. */
  readonly launcher: string;
}

/** Its disposal removes the home. */
export function createOrdinaryUser(uid: number): OrdinaryUser {
  requireSandbox();
  if (!existsSync(checkout)) layOut();
  const home = mkdtempSync(join(tmpdir(), "podwire-user-"));
  chownSync(home, uid, uid);
  return {
    uid,
    home,
    words: ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"],
    launcher: join(checkout, "podwire"),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

function layOut(): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", place]);
  mkdirSync(checkout);
  execFileSync("mount", ["--rbind", project, checkout]);
  execFileSync("mknod", ["--mode=666", join(place, "tun"), "c", "10", "200"]);
  execFileSync("mount", ["--bind", join(place, "tun"), "/dev/net/tun"]);
}
