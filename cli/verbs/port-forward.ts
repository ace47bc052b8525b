/* `podwire port-forward`: ports of this machine that lead to ports of a pod, until the user ends it or the pod goes. */

import { AppError, messageOf } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Connection, connect } from "../connect.ts";
import { follow } from "../objects.ts";
import { serverError } from "../report.ts";
import { forwardConnection } from "../streams/forward-connection.ts";
import { findForwardTarget } from "../streams/forward-target.ts";
import { hostsOf, type LocalPort, listenOn } from "../streams/local-ports.ts";
import type { PortPair } from "../streams/port-pairs.ts";
import { createTurns } from "../streams/turns.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface PortForwardOptions {
  readonly address: string;
}

/** At once; more wait unread until one of them ends. A node serves 256 streams in all. */
const connectionsMax = 200;

export const portForwardVerb: Verb<PortForwardOptions> = {
  usage: "(POD | pod/NAME | service/NAME) [LOCAL_PORT:]REMOTE_PORT […] [--address=ADDRESS,…]",
  description:
    "Forward local ports to a pod, or to one of a Service's. Each connection goes to the port on the pod's own localhost. The command ends with the pod, not with a container of it.",
  examples: `
    # http://127.0.0.1:8080 is the pod's port 80
    podwire port-forward web 8080:80

    # The Service's port 80, whatever port the pod has behind it
    podwire port-forward service/web 8080:80

    # Any free port, and a second one, open to other machines
    podwire port-forward pod/web :80 8443:443 --address=0.0.0.0`,
  flags(command) {
    command.option("--address <addresses>", "where to listen: IP addresses and localhost, parted by commas", "localhost");
  },
  async run(invocation) {
    const { args, afterDashes = [], globals, options, signal } = invocation;
    const [word, ...ports] = [...args, ...afterDashes];
    if (word === undefined || ports.length === 0) {
      throw new UsageError("TYPE/NAME and list of ports are required for port-forward");
    }
    const hosts = hostsOf(options.address);
    using connection = await connect(invocation);
    const { pod, pairOf } = await findForwardTarget(connection, { word, namespace: globals.namespace }, signal);
    const pairs = ports.map(pairOf);
    const phase = pod.status?.phase ?? "Pending";
    if (phase !== "Running") {
      throw new UsageError(`unable to forward port because pod is not running. Current status=${phase}`);
    }
    await using forward = openForward(invocation, { connection, pod });
    for (const pair of pairs) await forward.listen(pair, hosts);
    if (!forward.isListening) {
      const wanted = pairs.map(({ local, remote }) => `{${local} ${remote}}`).join(" ");
      throw new UsageError(`unable to listen on any of the requested ports: [${wanted}]`);
    }
    return await untilPodGoes(connection, pod, signal);
  },
};

interface Forward extends AsyncDisposable {
  listen(pair: PortPair, hosts: readonly string[]): Promise<void>;
  readonly isListening: boolean;
}

interface ForwardContext {
  readonly connection: Connection;
  readonly pod: Pod;
}

function openForward({ printer, signal: outer }: Invocation, { connection, pod }: ForwardContext): Forward {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const stack = new DisposableStack();
  const over = new AbortController();
  const signal = AbortSignal.any([outer, over.signal]);
  const turns = createTurns(connectionsMax);
  const running = new Set<Promise<void>>();
  let count = 0;

  const serve = async (socket: Parameters<typeof forwardConnection>[0]["socket"], { port, remote }: LocalPort) => {
    using _turn = await turns.next(signal);
    if (signal.aborted) return;
    await printer.print(`Handling connection for ${port}\n`);
    await forwardConnection({ socket, start: { namespace, pod: name, port: remote }, connection, signal });
  };
  const onConnection: Parameters<typeof listenOn>[2] = (socket, port) => {
    const serving = serve(socket, port)
      .catch(async (error) => {
        if (signal.aborted) return;
        const reason = error instanceof AppError ? serverError(error).replace(/^error: /, "") : messageOf(error);
        await printer.printError(`an error occurred forwarding ${port.port} -> ${port.remote}: ${reason}\n`);
      })
      .finally(() => {
        socket.destroySoon();
        running.delete(serving);
      });
    running.add(serving);
  };
  return {
    async listen(pair, hosts) {
      const { ports, failures } = await listenOn(pair, hosts, onConnection);
      for (const port of ports) {
        stack.use(port);
        count += 1;
        await printer.print(`Forwarding from ${port.address}:${port.port} -> ${port.remote}\n`);
      }
      for (const failure of failures) await printer.printError(`${failure}\n`);
    },
    get isListening() {
      return count > 0;
    },
    async [Symbol.asyncDispose]() {
      stack.dispose();
      over.abort();
      await Promise.all(running);
    },
  };
}

/** As kubectl's, the forward outlives the pod's containers, but not the pod. */
async function untilPodGoes(connection: Connection, { metadata }: Pod, signal: AbortSignal): Promise<number> {
  const { namespace = "", name = "", uid } = metadata ?? {};
  const query = { kind: podKind, namespace, fieldSelector: `metadata.name=${name}` };
  let synced = false;
  let present = false;
  try {
    for await (const event of follow(connection, query, signal)) {
      if (event.type === "synced") synced = true;
      else if (event.item.object.metadata?.uid === uid) present = event.type !== "deleted" && isAlive(event.item.object as Pod);
      if (synced && !present) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
  }
  throw new UsageError("lost connection to pod");
}

function isAlive({ status }: Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}
