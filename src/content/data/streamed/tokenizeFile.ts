import type { Row } from '../files/row.ts';
import { tokensOf, type RowsRequest, type RowTokenizer } from '../dataset/rowTokenizer.ts';
import { joinTokenized } from '../tokens/tokenize.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import type { FileFacts, ShardStore } from './shardStore.ts';

/** A shard ends with so many parsed rows or tokens, whichever comes first: 8,192 rows, and 16 MiB of ids. */
const SHARD_ROWS = 8192;
const SHARD_TOKENS = 4 * 1024 * 1024;
/** Rows that are tokenized at once. */
const ROWS = 1024;

export interface TokenizeFileOptions {
  /** How many rows of the file have tokens. */
  onRows?(rows: number): void;
  /** Ends the work, which the next call takes up at the shard it was in. */
  signal?: AbortSignal | undefined;
  /** Parsed rows of a shard. */
  shardRows?: number | undefined;
}

/**
 * Tokenizes the rows of a file into a store, shard by shard; rows of shards that are there are passed over. In memory are
 * the rows of a shard at most. Throws as `tokenizeRows` does, what reading and writing throw, and the signal's reason.
 */
export async function tokenizeFile(
  batches: AsyncGenerator<Row[], FileFacts, void>,
  store: ShardStore,
  tokenizer: RowTokenizer,
  request: Omit<RowsRequest, 'rows' | 'now'>,
  { onRows, signal, shardRows = SHARD_ROWS }: TokenizeFileOptions = {},
): Promise<FileFacts> {
  const { now } = store;
  const atOnce = Math.min(ROWS, shardRows);
  let done = store.shards.reduce((sum, { table }) => sum + table.facts.parsedRows, 0);
  let toPass = done;
  let parts: TokenizedDataset[] = [];
  let waiting: Row[] = [];
  const tokenize = async (rows: Row[]): Promise<void> => {
    signal?.throwIfAborted();
    const part = await tokensOf(tokenizer, { ...request, rows, now });
    parts.push(part);
    done += rows.length;
    onRows?.(done);
  };
  const close = async (): Promise<void> => {
    await store.add(joinTokenized(parts), request.vocabSize);
    parts = [];
  };
  const isFull = () =>
    parts.reduce((sum, { parsedRows }) => sum + parsedRows, 0) >= shardRows ||
    parts.reduce((sum, { ids }) => sum + ids.length, 0) >= SHARD_TOKENS;
  try {
    let next = await batches.next();
    while (!next.done) {
      const rows = toPass > 0 ? next.value.slice(toPass) : next.value;
      toPass -= next.value.length - rows.length;
      for (const row of rows) waiting.push(row);
      // The file is read on while the rows it gave are tokenized.
      const reading = batches.next();
      reading.catch(() => undefined);
      let at = 0;
      for (; waiting.length - at >= atOnce; at += atOnce) {
        await tokenize(waiting.slice(at, at + atOnce));
        if (isFull()) await close();
      }
      if (at > 0) waiting = waiting.slice(at);
      signal?.throwIfAborted();
      next = await reading;
    }
    if (waiting.length > 0) await tokenize(waiting);
    if (parts.length > 0) await close();
    await store.finish(next.value);
    return next.value;
  } finally {
    await batches.return(undefined as never).catch(() => undefined);
  }
}
