import { createContentHash } from '../../base/lib/contentHash.ts';
import type { ByteSource } from '../../base/storage/types.ts';

/** Read at once, so that hashing a file of any size takes little memory. */
const PIECE = 4 << 20;

/** A file's content as a name: the same file dropped again has the same, whatever it is called now. */
export async function contentHashOf(file: Pick<ByteSource, 'size' | 'read'>): Promise<string> {
  const hasher = await createContentHash();
  for (let at = 0; at < file.size; at += PIECE)
    hasher.update(await file.read(at, Math.min(PIECE, file.size - at)));
  return hasher.digest('hex');
}

/** The name of the rows that one list of a file holds: a JSON object may have several. */
export async function rowsHashOf(content: string, rowsField: string | null): Promise<string> {
  if (rowsField === null) return content;
  return (await createContentHash()).update(`${content} ${rowsField}`).digest('hex');
}
