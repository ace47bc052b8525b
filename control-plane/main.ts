/* `node control-plane/main.ts --socket PATH --listen HOST:PORT …`; says "control plane ready" when it serves. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runDaemon } from "#process/daemon.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { systemRng } from "#process/system-rng.ts";
import { checkRanges } from "./cluster.ts";
import { cryptoIds } from "./ids.ts";
import { type Flags, readFlags } from "./options.ts";
import { startControlPlane } from "./start.ts";
import { openMemoryStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import { readTokenFile } from "./token-file.ts";

const flags = readFlags(process.argv.slice(2));
const log = createLog({ level: flags.logLevel, name: "control-plane" });

await runDaemon(log, async (signal) => {
  checkRanges(flags);
  const tokens = { join: await readToken(flags.joinTokenFile), user: await readToken(flags.userTokenFile) };
  await using store = await openStoreFor(flags);
  await using controlPlane = await startControlPlane({
    ...{ store, log, tokens, signal, clock: systemClock, rng: systemRng },
    name: flags.cluster,
    podCidr: flags.podCidr,
    nodeCidrPrefix: flags.nodeCidrPrefix,
    serviceCidr: flags.serviceCidr,
    socket: flags.socket,
    listen: flags.listen,
    heartbeatTimeoutMs: flags.heartbeatTimeout * 1000,
  });
  await controlPlane.ended;
});

async function readToken(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readTokenFile(path, cryptoIds);
}

async function openStoreFor({ data }: Flags): Promise<Store> {
  if (data === undefined) return openMemoryStore();
  await mkdir(data, { recursive: true, mode: 0o700 });
  // Only who keeps something loads SQLite.
  const { openSqliteStore } = await import("./store/sqlite-store.ts");
  return openSqliteStore({ path: join(data, "store.db"), clock: systemClock });
}
