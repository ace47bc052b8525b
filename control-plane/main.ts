/* `node control-plane/main.ts --socket PATH --listen HOST:PORT …`; says "control plane ready" when it serves. */

import { mkdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { readOptions, runDaemon } from "#process/daemon.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { systemRng } from "#process/system-rng.ts";
import { checkRanges } from "./cluster.ts";
import { cryptoIds } from "./ids.ts";
import { type ControlPlaneOptions, controlPlaneFlags, controlPlaneUsage, parseControlPlaneOptions } from "./options.ts";
import { refuseOwnNetwork } from "./own-network.ts";
import { startControlPlane } from "./start.ts";
import { openMemoryStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import { readTokenFile } from "./token-file.ts";

const options = readOptions({ usage: controlPlaneUsage, flags: controlPlaneFlags, parse: parseControlPlaneOptions });
if (options !== undefined) await serve(options);

async function serve(options: ControlPlaneOptions): Promise<void> {
  const log = createLog({ level: options.logLevel, name: "control-plane" });
  await runDaemon(log, async (signal) => {
    checkRanges(options);
    refuseOwnNetwork(options, networkInterfaces());
    const { cluster, joinTokenFile, userTokenFile, ...others } = options;
    const tokens = { join: await readToken(joinTokenFile), user: await readToken(userTokenFile) };
    await using store = await openStoreFor(options);
    await using controlPlane = await startControlPlane({
      ...others,
      ...{ store, log, tokens, signal, clock: systemClock, rng: systemRng, name: cluster },
    });
    await controlPlane.ended;
  });
}

async function readToken(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readTokenFile(path, cryptoIds);
}

async function openStoreFor({ data }: ControlPlaneOptions): Promise<Store> {
  if (data === undefined) return openMemoryStore();
  await mkdir(data, { recursive: true, mode: 0o700 });
  // Only who keeps something loads SQLite.
  const { openSqliteStore } = await import("./store/sqlite-store.ts");
  return openSqliteStore({ path: join(data, "store.db"), clock: systemClock });
}
