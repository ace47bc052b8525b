/* Hosts of a test's own, on a bridge in a network namespace of its own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressAt, parseCidr } from "#core/cidr.ts";
import { bootHosts, createUnderlay, cutPower, type Host, type Machine } from "#kernel/hosts.ts";
import { enterHostNamespace } from "./host-namespace.ts";

export interface LabHosts extends AsyncDisposable {
  readonly machines: readonly Machine[];
  readonly hosts: readonly Host[];
  /** Boots one of them that is off. */
  boot(host: Host | undefined): Promise<Machine>;
}

const underlay = parseCidr("192.0.2.0/24");

/** 192.0.2.1 and so on. Its disposal cuts their power. */
export async function bootLabHosts(count: number): Promise<LabHosts> {
  const { signal } = new AbortController();
  const outside = await enterHostNamespace();
  const folder = mkdtempSync(join(tmpdir(), "podwire-hosts-"));
  const hosts = Array.from({ length: count }, (_, i): Host => {
    const name = `${outside.nodeName}.${i + 1}`;
    return { name, address: addressAt(underlay, i + 1), disk: join(folder, name) };
  });
  await createUnderlay(signal);
  const machines = await bootHosts(hosts, underlay, signal);
  const all = [...machines];
  return {
    hosts,
    machines,
    async boot(host) {
      const [machine] = host === undefined ? [] : await bootHosts([host], underlay, signal);
      if (machine === undefined) throw new Error("no such host");
      all.push(machine);
      return machine;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(cutPower));
      await outside[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
