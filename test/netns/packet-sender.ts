/* Sends packets from where it stands: each line of its input is one, as JSON. By TCP it is what opens a connection. */

import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Shot } from "./nft-trace.ts";

for await (const line of createInterface({ input: process.stdin })) {
  const { protocol, host, port, localPort } = JSON.parse(line) as Shot;
  if (protocol === "tcp") {
    const socket = connect({ host, port, localPort });
    socket.on("error", () => {});
    setTimeout(() => socket.destroy(), 300);
  } else {
    const socket = createSocket("udp4");
    socket.on("error", () => {});
    socket.bind(localPort, () => socket.send("hello", port, host, () => socket.close()));
  }
}
