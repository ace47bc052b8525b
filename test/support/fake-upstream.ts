/* A name server of a test, over UDP and TCP on one port: answers what it is told to. */

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { type DecodedPacket, decode, encode, type Packet } from "dns-packet";
import type { Upstream } from "../../node-agent/dns/upstream.ts";

/** Undefined for no answer. */
export type Answering = (query: DecodedPacket, transport: "udp" | "tcp") => Packet | undefined;

export interface FakeUpstream extends AsyncDisposable, Upstream {
  /** The questions that came, as `NAME TYPE TRANSPORT`. */
  readonly asked: string[];
  /** Where they came from. */
  readonly ports: number[];
  readonly ids: number[];
  /** Sends anything to the one who asked last. */
  disturb(message: Buffer): void;
}

export async function playUpstream(answering: Answering, { host = "127.0.0.1", port = 0 } = {}): Promise<FakeUpstream> {
  const asked: string[] = [];
  const ports: number[] = [];
  const ids: number[] = [];
  let last: RemoteInfo | undefined;
  const answer = (message: Buffer, transport: "udp" | "tcp"): Buffer | undefined => {
    const query = decode(message);
    const [question] = query.questions ?? [];
    asked.push(`${question?.name} ${question?.type} ${transport}`);
    ids.push(query.id ?? 0);
    const given = answering(query, transport);
    return given === undefined
      ? undefined
      : encode({ type: "response", id: query.id ?? 0, questions: query.questions ?? [], ...given });
  };
  const tcp = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const bytes = answer(chunk.subarray(2), "tcp");
      if (bytes === undefined) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      // In two pieces, as networks do.
      socket.write(Buffer.concat([length, bytes.subarray(0, 5)]));
      setImmediate(() => socket.write(bytes.subarray(5)));
    });
  });
  tcp.listen(port, host);
  await once(tcp, "listening");
  const address = tcp.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  const udp = createSocket("udp4", (message, from) => {
    last = from;
    ports.push(from.port);
    const bytes = answer(message, "udp");
    if (bytes !== undefined) udp.send(bytes, from.port, from.address);
  });
  udp.bind(own, host);
  await once(udp, "listening");
  return {
    ...{ host, port: own, asked, ports, ids },
    disturb: (message) => udp.send(message, last?.port ?? 0, last?.address),
    async [Symbol.asyncDispose]() {
      udp.close();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}
