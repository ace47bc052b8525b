/* Reads a tar archive as it comes. */

import { AppError } from "#core/errors.ts";
import { blockBytes, decodeHeader, decodePax, type TarHeader } from "./tar-header.ts";

export interface TarEntry extends TarHeader {
  /** Good until the next entry is asked for. */
  readonly body: AsyncIterable<Buffer>;
}

/** Of a long name or an extended header. */
const metaBytesMax = 1024 * 1024;

export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  const source = byteSource(chunks);
  let known: Partial<TarHeader> = {};
  for (;;) {
    const block = await source.take(blockBytes);
    if (block === undefined) return;
    const header = decodeHeader(block);
    if (header === undefined) return await source.drain();
    if ("xgLK".includes(header.type)) {
      if (header.size > metaBytesMax) throw new AppError("invalid", "what came is no tar archive: a header is too long");
      const body = await source.whole(header.size);
      if (header.type === "x") known = { ...known, ...fromPax(decodePax(body)) };
      if (header.type === "L") known = { ...known, path: nameIn(body) };
      if (header.type === "K") known = { ...known, linkPath: nameIn(body) };
      continue;
    }
    const entry = { ...header, ...known };
    known = {};
    let left = entry.size;
    async function* body(): AsyncGenerator<Buffer, void, undefined> {
      while (left > 0) {
        const part = await source.some(left);
        left -= part.length;
        yield part;
      }
    }
    yield { ...entry, body: body() };
    while (left > 0) left -= (await source.some(left)).length;
    await source.whole((blockBytes - (entry.size % blockBytes)) % blockBytes, { padded: false });
  }
}

function fromPax(records: ReadonlyMap<string, string>): Partial<TarHeader> {
  const path = records.get("path");
  const linkPath = records.get("linkpath");
  const size = records.get("size");
  return {
    ...(path === undefined ? {} : { path }),
    ...(linkPath === undefined ? {} : { linkPath }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

function nameIn(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString("utf8", 0, end === -1 ? body.length : end);
}

interface ByteSource {
  /** Exactly so many; undefined at the end. */
  take(length: number): Promise<Buffer | undefined>;
  /** So many, and the rest of their last block. */
  whole(length: number, options?: { readonly padded: boolean }): Promise<Buffer>;
  /** At least one, at most `max`. */
  some(max: number): Promise<Buffer>;
  /** The rest, to no end. */
  drain(): Promise<void>;
}

function byteSource(chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let kept: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const { done, value } = await iterator.next();
    if (done === true) return false;
    kept = kept.length === 0 ? Buffer.from(value) : Buffer.concat([kept, value]);
    return true;
  };
  const cut = (length: number): Buffer => {
    const part = kept.subarray(0, length);
    kept = kept.subarray(part.length);
    return part;
  };
  const broken = () => new AppError("unavailable", "the archive broke off before its end");
  const source: ByteSource = {
    async take(length) {
      while (kept.length < length) {
        if (await more()) continue;
        if (kept.length === 0) return undefined;
        throw broken();
      }
      return cut(length);
    },
    async whole(length, { padded } = { padded: true }) {
      if (length === 0) return Buffer.alloc(0);
      const body = await source.take(length);
      if (body === undefined) throw broken();
      if (padded) await source.whole((blockBytes - (length % blockBytes)) % blockBytes, { padded: false });
      return body;
    },
    async some(max) {
      while (kept.length === 0) if (!(await more())) throw broken();
      return cut(max);
    },
    async drain() {
      do kept = Buffer.alloc(0);
      while (await more());
    },
  };
  return source;
}
