/* The 512-byte headers of a tar archive (POSIX ustar, with the extended records of pax and the long names of GNU). Pure. */

import { AppError } from "#core/errors.ts";

export const blockBytes = 512;

export interface TarHeader {
  readonly path: string;
  /** The type flag: "0" a file, "5" a folder, "1" a hard link, "2" a symbolic link, and others. */
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly linkPath: string;
}

const pathBytes = 100;
/** What eleven octal digits hold. */
const plainSizeMax = 8 ** 11 - 1;

/** The header's blocks; where a name or the size doesn't fit, an extended record comes before it. */
export function encodeHeader(header: TarHeader): Buffer {
  const records: string[] = [];
  if (Buffer.byteLength(header.path) > pathBytes) records.push(paxRecord("path", header.path));
  if (Buffer.byteLength(header.linkPath) > pathBytes) records.push(paxRecord("linkpath", header.linkPath));
  if (header.size > plainSizeMax) records.push(paxRecord("size", String(header.size)));
  const plain = encodePlain({ ...header, size: Math.min(header.size, plainSizeMax) });
  if (records.length === 0) return plain;
  const body = Buffer.from(records.join(""));
  const extended = encodePlain({
    ...{ path: "PaxHeader", type: "x", mode: 0o644, size: body.length },
    ...{ mtimeSeconds: header.mtimeSeconds, linkPath: "" },
  });
  return Buffer.concat([extended, body, padding(body.length), plain]);
}

export function padding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}

function encodePlain({ path, type, mode, size, mtimeSeconds, linkPath }: TarHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) =>
    block.write(
      `${Math.max(0, Math.floor(value))
        .toString(8)
        .padStart(length - 1, "0")}\0`,
      at,
      "latin1",
    );
  Buffer.from(path).copy(block, 0, 0, pathBytes);
  octal(mode & 0o7777, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(mtimeSeconds, 136, 12);
  block.write(type, 156, "latin1");
  Buffer.from(linkPath).copy(block, 157, 0, pathBytes);
  block.write("ustar\x0000", 257, "latin1");
  octal(checksum(block), 148, 7);
  block.write(" ", 155, "latin1");
  return block;
}

function paxRecord(name: string, value: string): string {
  const rest = ` ${name}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  // The length counts its own digits.
  let length = bytes + String(bytes).length;
  length = bytes + String(length).length;
  return `${length}${rest}`;
}

/** Undefined for the block of zeros that ends an archive. */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, 148, 8) !== checksum(block))
    throw new AppError("invalid", "what came is no tar archive: a header's sum is wrong");
  const prefix = text(block, 257, 5) === "ustar" && block[262] === 0 ? text(block, 345, 155) : "";
  const name = text(block, 0, pathBytes);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    type: text(block, 156, 1) || "0",
    mode: number(block, 100, 8) & 0o7777,
    size: number(block, 124, 12),
    mtimeSeconds: number(block, 136, 12),
    linkPath: text(block, 157, pathBytes),
  };
}

/** The records of an extended header. */
export function decodePax(body: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString("latin1", at, space));
    if (space === -1 || !Number.isSafeInteger(length) || length < 5 || at + length > body.length) {
      throw new AppError("invalid", "what came is no tar archive: an extended header is broken");
    }
    const record = body.toString("utf8", space + 1, at + length - 1);
    const equals = record.indexOf("=");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (const [i, byte] of block.entries()) if (i < 148 || i >= 156) sum += byte;
  return sum;
}

/** Octal digits, or GNU's binary form for what they can't hold. */
function number(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return Number(BigInt(`0x${block.toString("hex", at + 1, at + length)}`));
  const value = Number.parseInt(text(block, at, length).trim() || "0", 8);
  if (!Number.isSafeInteger(value)) throw new AppError("invalid", "what came is no tar archive: a number is broken");
  return value;
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return block.toString("utf8", at, end === -1 ? at + length : Math.min(end, at + length));
}
