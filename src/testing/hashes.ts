import { hexOf } from '../base/lib/bytes.ts';
import type { Folder } from '../base/storage/types.ts';

/** The SHA-256 of every file of a folder, in hex. */
export async function hashesOf(folder: Folder): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const name of await folder.list()) {
    const source = await folder.open(name);
    const digest = await crypto.subtle.digest('SHA-256', await source.read(0, source.size));
    hashes[name] = hexOf(new Uint8Array(digest));
  }
  return hashes;
}
