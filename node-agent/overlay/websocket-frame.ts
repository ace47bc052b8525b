/* WebSocket frames as they lie in a buffer (RFC 6455, section 5.2): whole binary messages of a server, which are not masked. */

/** The longest header that `writeMessageHeader` writes. */
export const messageHeaderBytesMax = 10;

/** Writes the header of a whole, unmasked binary message of `length` bytes to just before `at`. Answers how long it is. */
export function writeMessageHeader(bytes: Buffer, at: number, length: number): number {
  if (length < 126) {
    bytes[at - 2] = 0x82;
    bytes[at - 1] = length;
    return 2;
  }
  if (length < 65_536) {
    bytes[at - 4] = 0x82;
    bytes[at - 3] = 126;
    bytes[at - 2] = length >> 8;
    bytes[at - 1] = length & 255;
    return 4;
  }
  bytes[at - 10] = 0x82;
  bytes[at - 9] = 127;
  bytes.writeUInt32BE(Math.floor(length / 2 ** 32), at - 8);
  bytes.writeUInt32BE(length >>> 0, at - 4);
  return 10;
}
