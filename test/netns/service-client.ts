/* A client of Services, in a process of its own so that it can stand anywhere: asks as often as it is told to, with a new connection each
 * time, and prints a JSON list of what was answered or how it failed. */

import { createSocket } from "node:dgram";
import { get } from "node:http";
import type { Question } from "./service-questions.ts";

const {
  protocol,
  host,
  port,
  request = "hostname",
  tries = 1,
  localPort,
  timeoutMs = 1_500,
  padding = 0,
} = JSON.parse(process.argv[2] ?? "") as Question;
const outcomes: string[] = [];
for (let i = 0; i < tries; i++) outcomes.push(await (protocol === "tcp" ? askHttp() : askUdp()).catch(outcomeOf));
process.stdout.write(JSON.stringify(outcomes));

function askHttp(): Promise<string> {
  return new Promise((resolve, reject) => {
    const path = padding === 0 ? `/${request}` : `/echo?msg=${"x".repeat(padding)}`;
    const options = { host, port, path, agent: false, timeout: timeoutMs, ...(localPort === undefined ? {} : { localPort }) };
    const asked = get(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("timeout"), { code: "TIMEOUT" })));
    asked.on("error", reject);
  });
}

function askUdp(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => finish(() => reject(Object.assign(new Error("timeout"), { code: "TIMEOUT" }))), timeoutMs);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    socket.on("error", (error) => finish(() => reject(error)));
    socket.on("message", (message) => finish(() => resolve(message.toString())));
    socket.bind(localPort ?? 0, () =>
      socket.connect(port, host, () => socket.send(padding === 0 ? request : `echo ${"x".repeat(padding)}`)),
    );
  });
}

function outcomeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
