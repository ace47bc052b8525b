/* A node that is pretended: it speaks the agent's protocol to a control plane in the same process, without sockets or real time. Its pods need
 * seconds to start and to end, run on while it is cut off, and end with its power. */

import { parseCidr } from "#core/cidr.ts";
import { type Clock, timestamp } from "#core/clock.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import { createQueue, type Queue } from "#core/queue.ts";
import type { Rng } from "#core/rng.ts";
import type { AgentService, Changes, SessionUp } from "#proto/podwire/v1/agent.ts";
import type { Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import type { Handlers } from "#rpc/server.ts";
import { applyChanges, emptyNodeView, type NodeView } from "./fake-agent-view.ts";
import { measurementOf } from "./measurements.ts";

export interface LocalPod {
  readonly pod: Pod;
  readonly address: string;
  readonly startedAt: string | undefined;
  readonly state: "starting" | "ready" | "ending" | "gone";
  /** When the state becomes the next one. */
  readonly dueMs: number;
}

export interface SimulatedNodeOptions {
  readonly name: string;
  readonly number: number;
  readonly rng: Rng;
  /** Of the control plane that runs now; undefined while none does. */
  readonly agents: () => Handlers<typeof AgentService> | undefined;
  /** Of its node, from its join on. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** 110 pods where it is absent. */
  readonly capacity?: Readonly<Record<string, string>> | undefined;
  /** What a pod that is ready uses, in thousandths of a core, for measurements every five seconds; none are sent where it is absent. */
  readonly loadOf?: ((pod: Pod) => number) | undefined;
  /** What measurements are dated by. */
  readonly clock?: Clock | undefined;
  /** Whether it remembers its peers, of whom it has no use; so it is where `keepsPeers` is absent. */
  readonly keepsPeers?: boolean | undefined;
}

interface OpenSession {
  readonly up: Queue<SessionUp>;
  readonly call: AbortController;
  /** What it was told of each pod last. */
  readonly told: Map<string, LocalPod["state"]>;
  synced: boolean;
}

const blockLast = 254;
const measureMs = 5_000;

export class SimulatedNode {
  readonly name: string;
  isOn = true;
  isLinked = true;
  /** Stopped, as by SIGSTOP, until then. */
  stoppedUntilMs = 0;
  /** What broke the protocol's rules. */
  fault: unknown;
  readonly pods = new Map<string, LocalPod>();
  readonly #options: SimulatedNodeOptions;
  #session: OpenSession | undefined;
  #view: NodeView = emptyNodeView;
  #joined = false;
  #boot = 0;
  #nextHost = 2;

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** It has all that the control plane has to tell it. */
  get isSynced(): boolean {
    return this.#session?.synced === true;
  }

  /** Everything on it ends at once; it knows its identity when it is back. */
  cutPower(): void {
    this.isOn = false;
    this.pods.clear();
    this.dropSession();
  }

  boot(): void {
    this.isOn = true;
    this.#boot += 1;
  }

  /** What was said and not heard is lost. */
  dropSession(): void {
    this.#session?.call.abort();
    this.#session = undefined;
  }

  /** A second of its life. */
  async tick(nowMs: number): Promise<void> {
    if (!this.isOn || nowMs < this.stoppedUntilMs) return;
    if (this.isLinked && this.#session === undefined) await this.#connect();
    this.#livePods(nowMs);
    const session = this.#session;
    if (session === undefined || !this.isLinked) return;
    session.up.offer({ message: { $case: "heartbeat", value: { sequence: 1 } } });
    if (session.synced) this.#report(session);
    if (session.synced && nowMs % measureMs < 1_000) this.#measure(session);
  }

  #measure({ up }: OpenSession): void {
    const { loadOf, clock, name } = this.#options;
    if (loadOf === undefined || clock === undefined) return;
    const when = { timestamp: timestamp(clock), windowMs: 0 };
    const ready = [...this.pods.values()].filter(({ state }) => state === "ready");
    const pods = ready.flatMap(({ pod }) => measurementOf(name, [pod], { milliCores: loadOf(pod) }).pods);
    const value = { ...measurementOf(name, []), pods: pods.map((pod) => ({ ...pod, ...when })) };
    up.offer({ message: { $case: "measurement", value } });
  }

  async #connect(): Promise<void> {
    const { agents, name, number, rng } = this.#options;
    const handlers = agents();
    if (handlers === undefined) return;
    const metadata = { "podwire-node": name };
    try {
      if (!this.#joined) {
        const { signal } = new AbortController();
        await handlers.join({ nodeName: name, labels: { ...this.#options.labels }, previousPodCIDR: "" }, { metadata, signal });
        this.#joined = true;
      }
    } catch {
      return;
    }
    const call = new AbortController();
    const up = createQueue<SessionUp>({ limit: 10_000, whenFull: "fail" }, call.signal);
    const session: OpenSession = { up, call, told: new Map(), synced: false };
    this.#session = session;
    this.#boot += rng.next() < 0.2 ? 1 : 0;
    const address = `192.168.${number >> 8}.${number & 255}`;
    const value = {
      ...{ bootId: `${name}-${this.#boot}`, internalIP: address, tunnelEndpoint: `${address}:7444` },
      ...{
        heldEpoch: 0,
        heldPodCIDR: "",
        heldPodUids: [...this.pods.keys()],
        nodeInfo: undefined,
        capacity: { ...(this.#options.capacity ?? { pods: "110" }) },
      },
    };
    up.offer({ message: { $case: "hello", value } });
    void this.#follow(handlers.session(up, { metadata, signal: call.signal }), session);
  }

  async #follow(down: ReturnType<Handlers<typeof AgentService>["session"]>, session: OpenSession): Promise<void> {
    try {
      for await (const { message } of down) {
        if (session.call.signal.aborted) break;
        if (message?.$case !== "changes") continue;
        try {
          this.#view = applyChanges(this.#view, this.#heard(message.value));
        } catch (error) {
          this.fault ??= error;
        }
        session.synced ||= message.value.snapshotEnd;
      }
    } catch {
      // Whatever ended it: the next tick begins anew.
    } finally {
      if (this.#session === session) this.#session = undefined;
    }
  }

  #heard(message: Changes): Changes {
    if (this.#options.keepsPeers ?? true) return message;
    return {
      ...message,
      changes: message.changes.filter(({ change }) => change?.$case !== "peerPut" && change?.$case !== "peerRemoved"),
    };
  }

  #livePods(nowMs: number): void {
    if (this.#session?.synced === true) {
      for (const uid of this.pods.keys()) if (!this.#view.pods.has(uid)) this.pods.delete(uid);
      for (const [uid, pod] of this.#view.pods) this.#hear(uid, pod, nowMs);
    }
    for (const [uid, local] of this.pods) {
      if (nowMs < local.dueMs) continue;
      if (local.state === "starting") this.pods.set(uid, { ...local, state: "ready", dueMs: Number.POSITIVE_INFINITY });
      if (local.state === "ending") this.pods.set(uid, { ...local, state: "gone", dueMs: Number.POSITIVE_INFINITY });
    }
  }

  #hear(uid: string, pod: Pod, nowMs: number): void {
    const local = this.pods.get(uid);
    const soonMs = nowMs + 1_000 + Math.floor(this.#options.rng.next() * 3_000);
    const isEnding = pod.metadata?.deletionTimestamp !== undefined;
    if (local === undefined) {
      const address = this.#freeAddress();
      const { clock } = this.#options;
      const startedAt = clock && timestamp(clock);
      const state = isEnding ? "gone" : "starting";
      if (address !== undefined) this.pods.set(uid, { pod, address, startedAt, state, dueMs: soonMs });
    } else if (isEnding && (local.state === "starting" || local.state === "ready")) {
      this.pods.set(uid, { ...local, state: "ending", dueMs: soonMs });
    }
  }

  #freeAddress(): string | undefined {
    const [block] = this.#view.podCIDRs;
    if (block === undefined) return undefined;
    const taken = new Set([...this.pods.values()].map(({ address }) => address));
    for (let tries = 0; tries < blockLast; tries++) {
      this.#nextHost = this.#nextHost >= blockLast ? 2 : this.#nextHost + 1;
      const address = formatIpv4(((parseCidr(block).base as number) + this.#nextHost) as Parameters<typeof formatIpv4>[0]);
      if (!taken.has(address)) return address;
    }
    return undefined;
  }

  /** Some of it twice. */
  #report({ up, told }: OpenSession): void {
    for (const [uid, local] of this.pods) {
      if (told.get(uid) === local.state) continue;
      told.set(uid, local.state);
      const { namespace = "default", name = "" } = local.pod.metadata ?? {};
      const value = { namespace, name, uid, status: statusOf(local), gone: local.state === "gone" };
      for (let times = this.#options.rng.next() < 0.1 ? 2 : 1; times > 0; times--) {
        up.offer({ message: { $case: "podReport", value } });
      }
    }
  }
}

function statusOf({ pod, address, startedAt, state }: LocalPod): PodStatus {
  const status = state === "ready" ? "True" : "False";
  const running = state === "starting" ? { waiting: { reason: "ContainerCreating" } } : { running: {} };
  return {
    phase: state === "starting" ? "Pending" : "Running",
    startTime: startedAt,
    ...{ podIP: address, podIPs: [{ ip: address }], hostIPs: [], initContainerStatuses: [] },
    conditions: [
      { type: "Ready", status },
      { type: "ContainersReady", status },
    ],
    containerStatuses: (pod.spec?.containers ?? []).map(({ name }) => ({
      ...{ name, ready: state === "ready", restartCount: 0 },
      state: state === "gone" ? { terminated: { exitCode: 0, reason: "Completed" } } : running,
    })),
  };
}
