/* Streams of real containers, served by the agent's own stream server to a control plane that the test plays. */

import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { type ContainerSpec, linuxContainers } from "#kernel/containers.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import type { OpenStream } from "#proto/podwire/v1/agent.ts";
import type { AttachStart, ExecStart, LogsStart, StreamInput, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { FoundContainer } from "../../node-agent/pods/found-container.ts";
import type { PodManager } from "../../node-agent/pods/pod-manager.ts";
import { createLogReaders, type LogReaders } from "../../node-agent/streams/log-readers.ts";
import { createStreamServer } from "../../node-agent/streams/stream-server.ts";
import { type FakeControlPlane, type PlayedStream, playControlPlane } from "../node-agent/fake-control-plane.ts";
import { type ContainerLab, openContainerLab } from "./container-lab.ts";

export interface StreamLab extends AsyncDisposable {
  readonly containers: ContainerLab;
  readonly plane: FakeControlPlane;
  readonly readers: LogReaders;
  /** The one container that streams find, as the pod manager would give it. */
  found: FoundContainer | undefined;
  find(spec: Pick<ContainerSpec, "stateDir" | "logPath" | "netns">, previousLogPath?: string): void;
  open(start: OpenStream["start"]): Promise<PlayedStream>;
  exec(start: Partial<ExecStart>): Promise<PlayedStream>;
  logs(start: Partial<LogsStart>): Promise<PlayedStream>;
  attach(start?: Partial<AttachStart>): Promise<PlayedStream>;
  forward(port: number): Promise<PlayedStream>;
  /** The user of the stream goes, as the broker tells it: the call ends, and the session says so. */
  leave(stream: PlayedStream): void;
}

export async function openStreamLab(): Promise<StreamLab> {
  const stack = new AsyncDisposableStack();
  const containers = stack.use(openContainerLab());
  const address = `unix:${join(containers.folder, "api.sock")}`;
  const credential = "known";
  const plane = stack.use(await playControlPlane({ address, known: [credential] }));
  const stopping = new AbortController();
  const identity = { nodeName: "node-1", credential };
  const readers = createLogReaders();
  let count = 0;
  const ids = new WeakMap<PlayedStream, string>();
  const pods: PodManager = {
    set() {},
    reports: () => [],
    heldUids: [],
    held: [],
    async rest() {},
    find(_, name) {
      if (lab.found === undefined) throw new AppError("not-found", `pods "${name}" not found on node-1`, { reason: "NotFound" });
      return lab.found;
    },
  };
  const server = createStreamServer({
    server: address,
    identity: { load: () => identity, save() {}, loadBlock: () => ({ epoch: 0, podCidr: "" }), saveBlock() {} },
    ...{
      pods,
      containers: linuxContainers,
      readers,
      clock: systemClock,
      log: createLog({ level: "silent", name: "test" }),
      signal: stopping.signal,
    },
  });
  stack.defer(() => server[Symbol.dispose]());
  stack.defer(() => stopping.abort());
  const lab: StreamLab = {
    ...{ containers, plane, readers, found: undefined },
    find({ stateDir, logPath, netns }, previous) {
      lab.found = {
        ...{ name: "main", stateDir, netns },
        logPath: (runsBack) => [logPath, previous][runsBack],
      };
    },
    async open(start) {
      count += 1;
      const streamId = `stream-${count}`;
      server.open({ streamId, start });
      const stream = await plane.stream(streamId);
      ids.set(stream, streamId);
      return stream;
    },
    exec: (start) =>
      lab.open({
        $case: "exec",
        value: { namespace: "default", pod: "web", container: "", command: ["true"], stdin: false, tty: false, ...start },
      }),
    logs: (start) =>
      lab.open({
        $case: "logs",
        value: {
          ...{ namespace: "default", pod: "web", container: "", follow: false, tailLines: undefined },
          ...{ previous: false, timestamps: false, ...start },
        },
      }),
    attach: (start) =>
      lab.open({ $case: "attach", value: { namespace: "default", pod: "web", container: "", stdin: false, ...start } }),
    forward: (port) => lab.open({ $case: "portForward", value: { namespace: "default", pod: "web", port } }),
    leave(stream) {
      stream.end();
      server.close(ids.get(stream) ?? "");
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return lab;
}

export interface Transcript {
  readonly stdout: string;
  readonly stderr: string;
  readonly code?: number;
  readonly error?: { readonly kind: string; readonly message: string };
}

/** Reads a stream to its closing frame, and ends it as the broker does. */
export async function transcript(stream: PlayedStream): Promise<Transcript> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  for (;;) {
    const frame = await nextFrame(stream);
    if (frame === undefined) throw new Error("the stream ended without a closing frame");
    if (frame.$case === "stdout") stdout.push(Buffer.from(frame.value));
    else if (frame.$case === "stderr") stderr.push(Buffer.from(frame.value));
    else {
      stream.end();
      const ending = frame.$case === "exit" ? { code: frame.value.code } : { error: frame.value };
      return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), ...ending };
    }
  }
}

/** Reads until the output has `text`; answers all of it. */
export async function sees(stream: PlayedStream, text: string): Promise<string> {
  let output = "";
  while (!output.includes(text)) {
    const frame = await nextFrame(stream);
    if (frame?.$case !== "stdout")
      throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(output)}, but ${frame?.$case}`);
    output += Buffer.from(frame.value).toString();
  }
  return output;
}

export function stdinFrame(text: string): StreamInput {
  return { frame: { $case: "stdin", value: Buffer.from(text) } };
}

/** Undefined where the agent ended the stream. */
export async function nextFrame({ outputs }: PlayedStream): Promise<StreamOutput["frame"]> {
  const { done, value } = await outputs.next();
  return done === true ? undefined : value.frame;
}

export function stdinFrames(bytes: Uint8Array): StreamInput[] {
  const size = 32 * 1024;
  const frames: StreamInput[] = [];
  for (let at = 0; at < bytes.length; at += size)
    frames.push({ frame: { $case: "stdin", value: Buffer.from(bytes.subarray(at, at + size)) } });
  return [...frames, { frame: { $case: "stdinEnd", value: {} } }];
}
