/* The hosts of a cluster while it runs, and the agent on each:
 *
 *   absent ─ add ─▶ starting ─▶ running ─ stop ─▶ stopping ─ its agent has ended ─▶ ending ─▶ stopped ─ remove ─▶ absent
 *                     ▲            └─ kill, or its first process ended ─────────────▲           │
 *                     └──────────────────────────── start ─────────────────────────────────────┘
 *
 * All of it is in memory: when whoever keeps it ends, the sandbox ends, and every host with it. */

import { parseCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { bootHosts, cutPower, type Machine } from "#kernel/hosts.ts";
import { type Service, type Supervised, type SuperviseOptions, supervise } from "#kernel/supervise.ts";
import { type ClusterConfig, podBlocks, underlay } from "./cluster-config.ts";
import { type HostPlan, type HostsWanted, planHosts } from "./host-plan.ts";
import { type HostPower, refuseMoment } from "./host-power.ts";
import type { HostInfo } from "./host-requests.ts";

export interface HostFleet {
  list(): HostInfo[];
  /** Resolves when they have booted; their nodes are Ready a moment later. */
  add(wanted: HostsWanted): Promise<HostInfo[]>;
  start(name: string): Promise<HostInfo>;
  stop(name: string, timeoutMs: number): Promise<HostInfo>;
  kill(name: string): Promise<HostInfo>;
  remove(name: string): Promise<HostInfo>;
}

export interface FleetOptions extends SuperviseOptions {
  readonly config: ClusterConfig;
  readonly diskOf: (name: string) => string;
  /** The agent of a host. */
  readonly agentOf: (plan: HostPlan, machine: Machine) => Service;
  /** Removes everything that the host had on disk. */
  readonly wipe: (name: string) => void;
}

interface PoweredOn {
  readonly state: "running" | "stopping";
  readonly machine: Machine;
  readonly agent: Supervised;
}

type Power =
  | PoweredOn
  | { readonly state: "starting" }
  | { readonly state: "ending"; readonly done: Promise<void> }
  | { readonly state: "stopped" };

interface FleetHost {
  readonly plan: HostPlan;
  power: Power;
}

/** So many agents start at once, and then one after the other: all of many at the same time would starve those that heartbeat already. */
const agentsAtOnce = 10;
const betweenAgentsMs = 300;
/** What an agent gets to end what it was told twice to end. */
const lastMs = 2_000;

export function createHostFleet(options: FleetOptions): HostFleet {
  const { config, diskOf, agentOf, wipe, clock, log, signal } = options;
  const room = podBlocks(parseCidr(config.podCidr));
  const hosts = new Map<string, FleetHost>();
  let last: Ipv4 | undefined;

  /** "not-found" with the names that there are. */
  const find = (name: string): FleetHost => {
    const host = hosts.get(name);
    if (host !== undefined) return host;
    throw new AppError("not-found", `there is no node "${name}": the nodes are ${[...hosts.keys()].join(", ") || "none"}`);
  };

  const boot = async (starting: readonly FleetHost[]): Promise<void> => {
    for (const host of starting) host.power = { state: "starting" };
    const specs = starting.map(({ plan: { name, address } }) => ({ name, address, disk: diskOf(name) }));
    const machines = await bootHosts(specs, underlay, signal);
    for (const [i, host] of starting.entries()) {
      if (i >= agentsAtOnce) await clock.sleep(betweenAgentsMs, signal);
      if (machines[i] !== undefined) run(host, machines[i]);
    }
  };

  const run = (host: FleetHost, machine: Machine): void => {
    const on = { state: "running", machine, agent: supervise(agentOf(host.plan, machine), options) } as const;
    host.power = on;
    void machine.ended.then(() => {
      if (signal.aborted || machineOf(host) !== machine) return;
      log.warn({ node: host.plan.name }, "a host's first process ended, and the host with it");
      end(host, on);
    });
  };

  /** Resolves when it is off; whoever comes later waits for the same end. */
  const end = (host: FleetHost, on: PoweredOn): Promise<void> => {
    if (host.power.state === "ending") return host.power.done;
    if (machineOf(host) !== on.machine) return Promise.resolve();
    const cut = async () => {
      // What kills the machine kills the agent.
      on.agent.end();
      await cutPower(on.machine);
      await on.agent.ended;
      host.power = { state: "stopped" };
    };
    const done = cut();
    host.power = { state: "ending", done };
    return done;
  };

  return {
    list: () => [...hosts.values()].map(infoOf),
    async add(wanted) {
      const plans = planHosts(wanted, { hosts: [...hosts.values()].map(({ plan }) => plan), last, room });
      const added = plans.map((plan): FleetHost => ({ plan, power: { state: "starting" } }));
      for (const host of added) hosts.set(host.plan.name, host);
      last = plans.at(-1)?.address ?? last;
      try {
        await boot(added);
      } catch (error) {
        for (const { plan } of added) hosts.delete(plan.name);
        throw error;
      }
      return added.map(infoOf);
    },
    async start(name) {
      const host = find(name);
      refuseMoment("start", name, powerOf(host));
      try {
        await boot([host]);
      } catch (error) {
        host.power = { state: "stopped" };
        throw error;
      }
      return infoOf(host);
    },
    async stop(name, timeoutMs) {
      const host = find(name);
      refuseMoment("stop", name, powerOf(host));
      const on = host.power as PoweredOn;
      host.power = { ...on, state: "stopping" };
      // First to end its pods in peace, then to end them at once.
      for (const patienceMs of [timeoutMs, lastMs]) {
        on.agent.end("SIGPWR");
        if (await endsWithin(on.agent, patienceMs, clock)) break;
      }
      await end(host, on);
      return infoOf(host);
    },
    async kill(name) {
      const host = find(name);
      refuseMoment("kill", name, powerOf(host));
      await end(host, host.power as PoweredOn);
      return infoOf(host);
    },
    async remove(name) {
      const host = find(name);
      refuseMoment("remove", name, powerOf(host));
      wipe(name);
      hosts.delete(name);
      return infoOf(host);
    },
  };
}

function powerOf({ power: { state } }: FleetHost): HostPower {
  return state === "ending" ? "stopping" : state;
}

function machineOf({ power }: FleetHost): Machine | undefined {
  return power.state === "running" || power.state === "stopping" ? power.machine : undefined;
}

function infoOf(host: FleetHost): HostInfo {
  const { name, address, labels } = host.plan;
  const machine = machineOf(host);
  const on = machine === undefined ? {} : { bootID: machine.bootId, pid: machine.firstProcess.pid };
  return { name, address: formatIpv4(address), labels, power: powerOf(host), ...on };
}

async function endsWithin(agent: Supervised, ms: number, clock: Clock): Promise<boolean> {
  const over = new AbortController();
  try {
    const ended = agent.ended.then(() => true);
    return await Promise.race([ended, clock.sleep(ms, over.signal).then(() => false)]);
  } finally {
    over.abort();
  }
}
