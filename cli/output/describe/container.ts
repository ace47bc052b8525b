/* The containers of a pod, each with its state, probes, environment and mounts. */

import type { Container, ContainerPort, ContainerState, ContainerStatus, Pod, VolumeMount } from "#proto/podwire/v1/resources.ts";
import { printable } from "../printable.ts";
import { environmentLines } from "./environment.ts";
import { field, indented, timeText } from "./fields.ts";
import { probeText } from "./probe.ts";

/** `label` is "Containers" or "Init Containers". */
export function containersLines(label: string, containers: readonly Container[], pod: Pod): string[] {
  if (containers.length === 0) return [];
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return [
    `${label}:`,
    ...containers.flatMap((container) => [
      `  ${container.name ?? ""}:`,
      ...indented(
        containerLines(
          container,
          statuses.find(({ name }) => name === container.name),
          pod,
        ),
        4,
      ),
    ]),
  ];
}

function containerLines(container: Container, status: ContainerStatus | undefined, pod: Pod): string[] {
  const { livenessProbe, readinessProbe, startupProbe, resources } = container;
  return [
    ...(status === undefined ? [] : [field("Container ID", status.containerID)]),
    field("Image", container.image),
    ...(status === undefined ? [] : [field("Image ID", status.imageID)]),
    ...portLines(container.ports),
    ...wordsLines("Command", container.command),
    ...wordsLines("Args", container.args),
    ...(status === undefined ? [] : statusLines(status)),
    ...quantityLines("Limits", resources?.limits ?? {}),
    ...quantityLines("Requests", resources?.requests ?? {}),
    ...(livenessProbe === undefined ? [] : [field("Liveness", probeText(livenessProbe))]),
    ...(readinessProbe === undefined ? [] : [field("Readiness", probeText(readinessProbe))]),
    ...(startupProbe === undefined ? [] : [field("Startup", probeText(startupProbe))]),
    ...environmentLines(container, pod),
    ...mountLines(container.volumeMounts),
  ];
}

function portLines(ports: readonly ContainerPort[]): string[] {
  const own = ports.map(
    ({ containerPort = 0, protocol = "TCP", name }) => `${containerPort}/${protocol}${name ? ` (${name})` : ""}`,
  );
  const host = ports.map(({ hostPort = 0, protocol = "TCP", name }) => `${hostPort}/${protocol}${name ? ` (${name})` : ""}`);
  return [
    field(own.length > 1 ? "Ports" : "Port", own.join(", ") || "<none>"),
    field(host.length > 1 ? "Host Ports" : "Host Port", host.join(", ") || "<none>"),
  ];
}

function statusLines(status: ContainerStatus): string[] {
  return [
    ...stateLines("State", status.state),
    ...(status.lastState?.terminated === undefined ? [] : stateLines("Last State", status.lastState)),
    field("Ready", status.ready === true ? "True" : "False"),
    field("Restart Count", status.restartCount ?? 0),
  ];
}

function stateLines(label: string, state: ContainerState | undefined): string[] {
  if (state?.running !== undefined) {
    return [field(label, "Running"), ...indented([field("Started", timeText(state.running.startedAt))])];
  }
  if (state?.terminated !== undefined) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
    const details = [
      ...(reason ? [field("Reason", reason)] : []),
      ...(message ? [field("Message", message)] : []),
      field("Exit Code", exitCode ?? 0),
      ...(signal ? [field("Signal", signal)] : []),
      field("Started", timeText(startedAt)),
      field("Finished", timeText(finishedAt)),
    ];
    return [field(label, "Terminated"), ...indented(details)];
  }
  const { reason, message } = state?.waiting ?? {};
  const details = [...(reason ? [field("Reason", reason)] : []), ...(message ? [field("Message", message)] : [])];
  return [field(label, "Waiting"), ...indented(details)];
}

function wordsLines(label: string, words: readonly string[]): string[] {
  return words.length === 0
    ? []
    : [`${label}:`, ...words.flatMap((word) => word.split("\n")).map((line) => `  ${printable(line)}`)];
}

function quantityLines(label: string, map: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? [] : [`${label}:`, ...indented(pairs.map(([name, quantity]) => field(name, quantity)))];
}

function mountLines(mounts: readonly VolumeMount[]): string[] {
  if (mounts.length === 0) return ["Mounts:\t<none>"];
  const texts = mounts.map(({ mountPath = "", name = "", readOnly, subPath }) => {
    const flags = `${readOnly === true ? "ro" : "rw"}${subPath ? `,path="${subPath}"` : ""}`;
    return `  ${printable(`${mountPath} from ${name} (${flags})`)}`;
  });
  return ["Mounts:", ...texts.sort()];
}
