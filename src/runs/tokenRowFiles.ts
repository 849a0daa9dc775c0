import { tokenRowsOf, type TokenRows } from '../data/tokenRows.ts';
import { bytesSource } from '../storage/byteSource.ts';
import type { ByteSource } from '../storage/types.ts';

/** The arrays of token rows, by the names their files have, and what each is made of. */
const arrays = { ids: Int32Array, labels: Int32Array, offsets: Uint32Array, weights: Float32Array } as const;

const keys = ['ids', 'labels', 'offsets', 'weights'] as const;

/**
 * Token rows as files of a run: `name.ids`, `name.labels`, `name.offsets`, and `name.weights` where losses have
 * weights; 32-bit little-endian as in memory.
 */
export function tokenRowFiles(name: string, rows: TokenRows): ByteSource[] {
  return keys.flatMap((key) => {
    const values = rows[key];
    if (!values) return [];
    const { buffer, byteOffset, byteLength } = values;
    return [bytesSource(`${name}.${key}`, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))];
  });
}

/** The token rows `name` of a run's files, verified by who gives the files; null where it has none of that name. */
export async function readTokenRows(
  name: string,
  files: readonly Pick<ByteSource, 'name' | 'size' | 'read'>[],
): Promise<TokenRows | null> {
  const rows = tokenRowsOf([]);
  for (const key of keys) {
    const file = files.find((one) => one.name === `${name}.${key}`);
    if (!file && key === 'weights') continue;
    if (!file) return null;
    const bytes = await file.read(0, file.size);
    Object.assign(rows, { [key]: new arrays[key](bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) });
  }
  return rows;
}
