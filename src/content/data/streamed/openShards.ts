import { GraftError } from '../../../base/lib/errors.ts';
import type { Directory } from '../../../base/storage/types.ts';
import type { TokenRows } from '../tokens/tokenRows.ts';
import type { RowsPlace, StreamedRows } from '../tokens/trainRows.ts';
import { withoutRows } from './heldOut.ts';
import { ShardStore } from './shardStore.ts';

/** The rows of a store that is whole, and those held out of it. Throws `data.shards_missing`. */
export async function openShards(
  root: Directory,
  { store: key, heldOut }: RowsPlace,
): Promise<{ train: StreamedRows; evaluation: TokenRows | null }> {
  if (!(await root.directories()).includes(key)) throw new GraftError('data.shards_missing');
  const store = await ShardStore.open(root, key);
  if (!store.file) throw new GraftError('data.shards_missing');
  const rows = await store.rows();
  // A place may be an imported run's.
  const { length } = rows.shapes.tokens;
  if (!heldOut.every((row, i) => row < length && (i === 0 || row > heldOut[i - 1]!)))
    throw new GraftError('data.shards_missing');
  return withoutRows(rows, heldOut);
}
