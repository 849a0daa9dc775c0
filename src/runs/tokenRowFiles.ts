import { tokenRowsOf, type TokenRows } from '../data/tokenRows.ts';
import { bytesSource } from '../storage/byteSource.ts';
import type { ByteSource } from '../storage/types.ts';

/** The arrays of token rows, by the names their files have, and what each is made of. */
const arrays = { ids: Int32Array, labels: Int32Array, offsets: Uint32Array } as const;

/** Token rows as files of a run: `name.ids`, `name.labels`, `name.offsets`, 32-bit little-endian as in memory. */
export function tokenRowFiles(name: string, rows: TokenRows): ByteSource[] {
  return (['ids', 'labels', 'offsets'] as const).map((key) => {
    const { buffer, byteOffset, byteLength } = rows[key];
    return bytesSource(`${name}.${key}`, new Uint8Array(buffer, byteOffset, byteLength));
  });
}

/** The token rows `name` of a run's files, verified by who gives the files; null where it has none of that name. */
export async function readTokenRows(
  name: string,
  files: readonly Pick<ByteSource, 'name' | 'size' | 'read'>[],
): Promise<TokenRows | null> {
  const rows = tokenRowsOf([]);
  for (const key of ['ids', 'labels', 'offsets'] as const) {
    const file = files.find((one) => one.name === `${name}.${key}`);
    if (!file) return null;
    const bytes = await file.read(0, file.size);
    Object.assign(rows, { [key]: new arrays[key](bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) });
  }
  return rows;
}
