import { asRoot, type Check, type Problem } from "./check.ts";
import type { MachineFacts } from "./facts.ts";
import { isTooOld } from "./trial.ts";

const kinds = ["mnt", "pid", "net", "ipc", "uts"] as const;
const sysAdmin = 21n;
const netAdmin = 12n;
const someNamespaces = 65_536;

/** What an ordinary user needs, who is root in a user namespace of their own. */
export const userNamespaces: Check = {
  name: "user namespaces",
  why: "Who is not root on the machine is root in a user namespace, and nowhere else.",
  found: ({ uid }) => (uid === 0 ? "not needed: you are root" : "an ordinary user may make them"),
  problems: [
    {
      verdict: "missing",
      cause: "The kernel was built without user namespaces (CONFIG_USER_NS).",
      holds: ({ uid, namespaceKinds }) => uid !== 0 && !namespaceKinds.includes("user"),
      found: () => "this kernel has none",
      cure: () => "run podwire as root, for example with sudo",
      example: { uid: 1000, namespaceKinds: [...kinds] },
    },
    ...switchedOff([
      ["user.max_user_namespaces", 0, someNamespaces, "An administrator allows no user namespaces."],
      [
        "kernel.unprivileged_userns_clone",
        0,
        1,
        "Debian's kernels before 5.10, and hardened ones, leave user namespaces to root.",
      ],
      [
        "kernel.apparmor_restrict_unprivileged_userns",
        1,
        0,
        "Ubuntu 23.10 and later give an ordinary user's namespaces no rights, by AppArmor. (The cure lasts until the next boot; a file in /etc/sysctl.d makes it last.)",
      ],
    ]),
  ],
};

export const namespaces: Check = {
  name: "namespaces",
  why: "A cluster lives in namespaces of its own, each node in a network namespace, each pod in a few.",
  tried: true,
  found: () => `made and left: ${kinds.join(", ")}`,
  problems: [
    {
      verdict: "missing",
      cause: "The kernel was built without a kind of namespace (CONFIG_NET_NS, CONFIG_PID_NS, CONFIG_IPC_NS, CONFIG_UTS_NS).",
      holds: (facts) => unknownKinds(facts).length > 0,
      found: (facts) => `this kernel has none of kind ${unknownKinds(facts).join(", ")}`,
      cure: () => "boot a kernel of your distribution",
      example: { namespaceKinds: ["user", "mnt", "net", "ipc", "uts"] },
    },
    {
      verdict: "missing",
      cause: "An administrator allows no namespaces of a kind.",
      holds: (facts) => closedKinds(facts).length > 0,
      found: (facts) =>
        closedKinds(facts)
          .map((name) => `${name}=0`)
          .join(", "),
      cure: (facts) =>
        asRoot(
          facts,
          `sysctl -w ${closedKinds(facts)
            .map((name) => `${name}=${someNamespaces}`)
            .join(" ")}`,
        ),
      example: { sysctls: { "user.max_net_namespaces": 0 }, trial: refusal("No space left on device") },
    },
    {
      verdict: "missing",
      cause: "In a container root lacks the rights to make namespaces, unless it is given them.",
      holds: (facts) => facts.uid === 0 && !mayMakeNamespaces(facts),
      found: () => "root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN here, as in a container",
      cure: () => "start the container with --privileged",
      example: { uid: 0, capabilities: 0xa80425fbn, inContainer: true, trial: refusal("Operation not permitted") },
    },
    {
      verdict: "missing",
      cause: "A container's seccomp filter or AppArmor profile stands in the way.",
      holds: (facts) => facts.inContainer && refused(facts) !== undefined,
      found: (facts) => `${refused(facts)}`,
      cure: () =>
        "start the container with --privileged, or with --security-opt seccomp=unconfined --security-opt apparmor=unconfined",
      example: { uid: 1000, inContainer: true, trial: refusal("Operation not permitted") },
    },
    {
      verdict: "missing",
      cause: "The kernel refuses for another reason: a security module, or limits of those who started this shell.",
      holds: (facts) => refused(facts) !== undefined,
      found: (facts) => `${refused(facts)}`,
      cure: ({ uid }) =>
        uid === 0
          ? "look for the denial in `dmesg`, or run podwire outside of the sandbox that this shell is in"
          : "run podwire as root, for example with sudo, or look for the denial in `dmesg`",
      example: { trial: refusal("Operation not permitted") },
    },
  ],
};

function refusal(reason: string): MachineFacts["trial"] {
  return { state: "no sandbox", said: `unshare: unshare failed: ${reason}` };
}

/** Sysctls that keep ordinary users from user namespaces: the value that does, the one that does not, why. */
function switchedOff(rows: readonly (readonly [name: string, off: number, on: number, cause: string])[]): Problem[] {
  return rows.map(([name, off, on, cause]) => ({
    verdict: "missing",
    cause,
    // AppArmor lets some programs, and what an administrator names: the trial outranks a sysctl.
    holds: ({ uid, sysctls, trial }) => uid !== 0 && sysctls[name] === off && trial.state !== "ran",
    found: () => `${name}=${off}`,
    cure: (facts) => asRoot(facts, `sysctl -w ${name}=${on}`),
    example: { uid: 1000, sysctls: { [name]: off }, trial: refusal("Operation not permitted") },
  }));
}

function unknownKinds({ namespaceKinds }: MachineFacts): string[] {
  return kinds.filter((kind) => !namespaceKinds.includes(kind));
}

function closedKinds({ sysctls }: MachineFacts): string[] {
  return kinds.map((kind) => `user.max_${kind}_namespaces`).filter((name) => sysctls[name] === 0);
}

function mayMakeNamespaces({ capabilities }: MachineFacts): boolean {
  return [sysAdmin, netAdmin].every((bit) => ((capabilities >> bit) & 1n) === 1n);
}

/** Where neither the program nor the lack of user namespaces is to blame. */
function refused(facts: MachineFacts): string | undefined {
  const { trial } = facts;
  if (trial.state !== "no sandbox" || isTooOld(trial.said)) return undefined;
  return userNamespaces.problems.some(({ holds }) => holds(facts)) ? undefined : trial.said;
}
