/* What is recorded, and how it is played: when each piece of text comes to the terminal. Pure. */

export interface Command {
  /** Said in a comment of its own before the command. */
  readonly about: string;
  /** As a user types it into a shell, in the project's folder. */
  readonly line: string;
}

/** Run in this order, on a cluster of their own. */
export const commands: readonly Command[] = [
  { about: "three nodes on this machine", line: "./podwire up --detach" },
  { about: "three web servers, a Service in front of them, a client", line: "./podwire apply -f examples/shop.yaml" },
  { about: "", line: "./podwire wait --for=condition=Ready pod --all" },
  { about: "", line: "./podwire get pods -o wide" },
  {
    about: "from a pod of node-1 to one of node-2, which says whom it sees: no NAT",
    line: "./podwire exec web-1 -- curl -s http://web-2.peers:8080/clientip",
  },
  {
    about: "one address in front of all three",
    line: "./podwire exec client -- sh -c 'for i in 1 2 3 4 5 6; do curl -s http://web/hostname; echo; done'",
  },
  { about: "the rules of the Kubernetes network model, proved from inside", line: "./podwire verify" },
  { about: "", line: "./podwire down" },
];

/** A command that was run, and what it printed. */
export interface RanCommand extends Command {
  /** When each piece came, from the command's start. */
  readonly output: readonly { readonly afterMs: number; readonly text: string }[];
}

/** Text that comes to a terminal. */
export interface Arrival {
  readonly atMs: number;
  readonly text: string;
}

export interface Play {
  readonly arrivals: readonly Arrival[];
  /** From here to the end nothing comes. */
  readonly heldMs: number;
  readonly endMs: number;
}

/** Nobody watches a terminal that stands still. */
const pauseMsMax = 450;
/** What a reader needs for a command, and for each line that it printed. */
const typedMs = 600;
const readMs = { least: 500, line: 70, most: 2_000 } as const;
/** The last picture stays for so long. */
const holdMs = 4_000;

/** Prompts and output one after the other, as they came, but for pauses: those are cut to what can be borne. */
export function play(session: readonly RanCommand[]): Play {
  const arrivals: Arrival[] = [];
  let nowMs = 0;
  for (const { about, line, output } of session) {
    arrivals.push({ atMs: nowMs, text: promptFor(about, line) });
    nowMs += typedMs;
    let lastMs = 0;
    for (const { afterMs, text } of output) {
      nowMs += Math.min(Math.round(afterMs - lastMs), pauseMsMax);
      lastMs = afterMs;
      arrivals.push({ atMs: nowMs, text });
    }
    const printed = output.map(({ text }) => text).join("");
    if (printed !== "" && !printed.endsWith("\n")) arrivals.push({ atMs: nowMs, text: "\r\n" });
    nowMs += Math.min(readMs.least + printed.split("\n").length * readMs.line, readMs.most);
  }
  return { arrivals, heldMs: nowMs, endMs: nowMs + holdMs };
}

function promptFor(about: string, line: string): string {
  const comment = about === "" ? "" : `\x1b[2m# ${about}\x1b[0m\r\n`;
  return `${comment}\x1b[2m$\x1b[0m \x1b[1m${line}\x1b[0m\r\n`;
}
