/** The table of CRC-32 for a byte at a time (polynomial 0xedb88320, as in zip and PNG). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The CRC-32 of a few bytes, at once. Much data is for hash-wasm, which takes it ten times as fast. */
export function crc32(bytes: Uint8Array): number {
  let value = ~0;
  for (const byte of bytes) value = table[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}
