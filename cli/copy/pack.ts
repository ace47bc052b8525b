/* A tar archive of a file or folder of the user's machine. Everything in it belongs to root: the container need not know our users. */

import { lstat, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { encodeHeader, padding, type TarHeader } from "./tar-header.ts";

/** Two blocks of zeros. */
const endOfArchive = Buffer.alloc(1024);
const readBytes = 64 * 1024;

export interface PackRequest {
  readonly path: string;
  /** What it is called in the archive. */
  readonly name: string;
  /** Is told of what is left out: sockets, pipes and devices. */
  readonly onSkipped: (path: string) => void | Promise<void>;
}

export async function* pack(request: PackRequest): AsyncGenerator<Buffer, void, undefined> {
  yield* packed(request);
  yield endOfArchive;
}

async function* packed({ path, name, onSkipped }: PackRequest): AsyncGenerator<Buffer, void, undefined> {
  const stats = await lstat(path);
  const common = { path: name, mode: stats.mode & 0o777, size: 0, mtimeSeconds: Math.floor(stats.mtimeMs / 1_000), linkPath: "" };
  if (stats.isSymbolicLink()) {
    yield encodeHeader({ ...common, type: "2", linkPath: await readlink(path) });
  } else if (stats.isDirectory()) {
    yield encodeHeader({ ...common, path: `${name}/`, type: "5" });
    for (const entry of (await readdir(path)).sort()) {
      yield* packed({ path: join(path, entry), name: `${name}/${entry}`, onSkipped });
    }
  } else if (stats.isFile()) {
    yield* packedFile(path, { ...common, type: "0" });
  } else {
    await onSkipped(path);
  }
}

async function* packedFile(path: string, header: TarHeader): AsyncGenerator<Buffer, void, undefined> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  yield encodeHeader({ ...header, size });
  for (let at = 0; at < size; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readBytes), 0, Math.min(readBytes, size - at), at);
    if (bytesRead === 0) throw new AppError("conflict", `${path} was made shorter while it was copied`);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  yield padding(size);
}
