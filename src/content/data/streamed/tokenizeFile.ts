import type { Row } from '../files/row.ts';
import { tokensOf, type RowsRequest, type RowTokenizer } from '../dataset/rowTokenizer.ts';
import { joinTokenized } from '../tokens/tokenize.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import type { FileFacts, ShardStore } from './shardStore.ts';

/** A shard ends with so many parsed rows or tokens, whichever comes first: 8,192 rows, and 16 MiB of ids. */
const SHARD_ROWS = 8192;
const SHARD_TOKENS = 4 * 1024 * 1024;
/** Rows that a worker tokenizes at once. */
const ROWS = 1024;
/** Workers have a vocabulary each, so that more would cost memory for little time. */
const MAX_WORKERS = 4;

/** How many tokenizers work at once on a machine of so many processors, of which one reads the file. */
export function tokenizersFor(processors: number): number {
  return Math.max(1, Math.min(MAX_WORKERS, processors - 1));
}

export interface TokenizeFileOptions {
  /** How many rows of the file have tokens. */
  onRows?(rows: number): void;
  /** Ends the work, which the next call takes up at the shard it was in. */
  signal?: AbortSignal | undefined;
  /** Parsed rows of a shard. */
  shardRows?: number | undefined;
  /** How many tokenizers work at once, if the tokenizer has others; see `tokenizersFor`. */
  workers?: number | undefined;
}

/**
 * Tokenizes the rows of a file into a store, shard by shard; rows of shards that are there are passed over. In memory are
 * the rows of a shard at most, and 1,024 for each worker. The shards are the same for any number of workers. Throws as
 * `tokenizeRows` does, what reading and writing throw, and the signal's reason.
 */
export async function tokenizeFile(
  batches: AsyncGenerator<Row[], FileFacts, void>,
  store: ShardStore,
  tokenizer: RowTokenizer,
  request: Omit<RowsRequest, 'rows' | 'now'>,
  { onRows, signal, shardRows = SHARD_ROWS, workers = 1 }: TokenizeFileOptions = {},
): Promise<FileFacts> {
  const others = Array.from({ length: workers - 1 }, () => tokenizer.another?.() ?? []).flat();
  const tokenizers: RowTokenizer[] = [tokenizer, ...others];
  const { now } = store;
  const atOnce = Math.min(ROWS, shardRows);
  let done = store.shards.reduce((sum, { table }) => sum + table.facts.parsedRows, 0);
  let toPass = done;
  let parts: TokenizedDataset[] = [];
  let waiting: Row[] = [];
  const close = async (): Promise<void> => {
    await store.add(joinTokenized(parts), request.vocabSize);
    parts = [];
  };
  const isFull = () =>
    parts.reduce((sum, { parsedRows }) => sum + parsedRows, 0) >= shardRows ||
    parts.reduce((sum, { ids }) => sum + ids.length, 0) >= SHARD_TOKENS;
  /** Tokenizes the first rows that wait, `atOnce` by each tokenizer. */
  const tokenize = async (): Promise<void> => {
    signal?.throwIfAborted();
    const shares = tokenizers.map((_, i) => waiting.slice(i * atOnce, (i + 1) * atOnce));
    waiting = waiting.slice(tokenizers.length * atOnce);
    const made = await Promise.allSettled(
      shares
        .filter(({ length }) => length > 0)
        .map((rows, i) => tokensOf(tokenizers[i]!, { ...request, rows, now })),
    );
    for (const one of made) {
      // The first of several errors, as if one worked after the other.
      if (one.status === 'rejected') throw one.reason;
      parts.push(one.value);
      done += one.value.parsedRows;
      if (isFull()) await close();
    }
    onRows?.(done);
  };
  try {
    let next = await batches.next();
    while (!next.done) {
      const rows = toPass > 0 ? next.value.slice(toPass) : next.value;
      toPass -= next.value.length - rows.length;
      for (const row of rows) waiting.push(row);
      // The file is read on while the rows it gave are tokenized.
      const reading = batches.next();
      reading.catch(() => undefined);
      while (waiting.length >= tokenizers.length * atOnce) await tokenize();
      signal?.throwIfAborted();
      next = await reading;
    }
    while (waiting.length > 0) await tokenize();
    if (parts.length > 0) await close();
    await store.finish(next.value);
    return next.value;
  } finally {
    for (const other of others) other.end();
    await batches.return(undefined as never).catch(() => undefined);
  }
}
