/* One connection or one flow that goes on, in a process of its own: prints who answers each question, or the error, on a line each. By TCP
 * it is one connection with keep-alive, by UDP one source port. Ends with its standard input. */

import { createSocket } from "node:dgram";
import { Agent, get } from "node:http";
import type { Question } from "./service-questions.ts";

const { protocol, host, port } = JSON.parse(process.argv[2] ?? "") as Question;
const intervalMs = 20;
const print = (line: string) => process.stdout.write(`${line}\n`);
process.stdin.on("end", () => process.exit(0)).resume();

if (protocol === "udp") {
  const socket = createSocket("udp4");
  socket.on("message", (message) => print(message.toString()));
  socket.on("error", () => {});
  setInterval(() => socket.send("hostname", port, host), intervalMs);
} else {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  setInterval(() => {
    const asked = get({ host, port, path: "/hostname", agent }, (response) => {
      response.setEncoding("utf8");
      response.on("data", (text: string) => print(`${text} ${asked.socket?.localPort}`));
    });
    asked.on("error", (error) => print(error.message));
  }, intervalMs);
}
