import { neededPrograms } from "../missing-programs.ts";
import { type Program, programPackages } from "../run.ts";
import { asRoot, type Check } from "./check.ts";
import type { MachineFacts } from "./facts.ts";
import { isTooOld } from "./trial.ts";

export const systemPrograms: Check = {
  name: "system programs",
  why: "Podwire starts them to make namespaces, links, routes, rules and containers.",
  found: ({ uid }) => neededPrograms(uid).join(", "),
  problems: [
    {
      verdict: "missing",
      cause: "A package is not installed, or its folder is not in PATH.",
      holds: (facts) => lacking(facts, true).length > 0,
      found: (facts) => listOf(lacking(facts, true)),
      cure: (facts) => installing(facts, lacking(facts, true)),
      example: { missingPrograms: ["nft", "tini"], trial: { state: "not run", because: "programs are missing" } },
    },
    {
      verdict: "warning",
      cause: "A package is not installed that only pods and tests miss.",
      holds: (facts) => lacking(facts, false).length > 0,
      found: (facts) => listOf(lacking(facts, false)),
      cure: (facts) => installing(facts, lacking(facts, false)),
      example: { missingPrograms: ["ping"] },
    },
  ],
};

export const programVersions: Check = {
  name: "program versions",
  why: "Options that Podwire uses came with some version of iproute2, nftables and util-linux.",
  tried: true,
  found: () => "ip, nft, nsenter, setpriv and unshare take the options that are used",
  problems: [
    {
      verdict: "missing",
      cause:
        "A program does not know an option or a word that Podwire uses: it is too old, or another's of the same name (BusyBox).",
      holds: (facts) => complaint(facts) !== undefined,
      found: (facts) => `too old: ${complaint(facts)}`,
      cure: (facts) => asRoot(facts, "apt-get install --only-upgrade iproute2 nftables util-linux"),
      example: { trial: { state: "no sandbox", said: "unshare: unrecognized option '--kill-child=SIGKILL'" } },
    },
  ],
};

function lacking({ missingPrograms, uid }: MachineFacts, needed: boolean): Program[] {
  return missingPrograms.filter((program) => neededPrograms(uid).includes(program) === needed);
}

function listOf(programs: readonly Program[]): string {
  return `missing: ${programs.map((program) => `${program} (package ${programPackages[program]})`).join(", ")}`;
}

function installing(facts: MachineFacts, programs: readonly Program[]): string {
  const packages = new Set(programs.map((program) => programPackages[program]));
  return asRoot(facts, `apt-get install -y ${[...packages].join(" ")}`);
}

function complaint({ trial }: MachineFacts): string | undefined {
  switch (trial.state) {
    case "not run":
      return undefined;
    case "no sandbox":
      return isTooOld(trial.said) ? trial.said : undefined;
    case "ran":
      return [...trial.failures.values()].find(isTooOld);
  }
}
