import { hexOf } from '../../base/lib/bytes.ts';

/** Git's SHA-1 of a file with these bytes, in hex. */
export async function gitOid(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const blob = new Blob([`blob ${bytes.byteLength}\0`, bytes]);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', await blob.arrayBuffer()));
  return hexOf(digest);
}
