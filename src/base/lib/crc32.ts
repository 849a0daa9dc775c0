import { createCRC32, type IHasher } from 'hash-wasm';

/** A CRC-32 as in zip and PNG (polynomial 0xedb88320). */
export function createCrc32(): Promise<IHasher> {
  return createCRC32();
}

/** The sum of what the hasher was given, which then begins anew. */
export function takeCrc32(hasher: IHasher): number {
  const sum = Number.parseInt(hasher.digest('hex'), 16);
  hasher.init();
  return sum;
}
