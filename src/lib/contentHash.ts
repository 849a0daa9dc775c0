import { createXXHash128, type IHasher } from 'hash-wasm';

/** Bytes of a digest. */
export const DIGEST_BYTES = 16;

/**
 * A hash against crashes and failing disks, not against people: XXH3-128, which takes 6 GB/s where SHA-256 takes one.
 */
export function createContentHash(): Promise<IHasher> {
  return createXXHash128();
}

/** The digest of what the hasher was given, after which it begins anew. */
export function takeDigest(hasher: IHasher): Uint8Array<ArrayBuffer> {
  const digest = new Uint8Array(hasher.digest('binary'));
  hasher.init();
  return digest;
}
