import { assert, GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource, Directory } from '../../../base/storage/types.ts';
import type { ParseOptions, ParsedDataset } from '../files/parse.ts';
import { rowBatches } from '../files/parse.ts';
import { uncompressedParquet } from '../files/parquetRows.ts';
import { MAX_PROBLEMS, type Problem } from '../files/problems.ts';
import type { RowsRequest, RowTokenizer } from '../dataset/rowTokenizer.ts';
import { fileKey } from './fileKey.ts';
import { sampleOf } from './fileSample.ts';
import type { ShardRows } from './shardRows.ts';
import { ShardStore, type FileFacts } from './shardStore.ts';
import { tokenizeFile, type TokenizeFileOptions } from './tokenizeFile.ts';

/**
 * Data files of this size and more are tokenized to disk: as objects in memory, their rows take several times as much. Of
 * Parquet it is the size without compression.
 */
export const STREAM_FROM_BYTES = 256 * 1024 * 1024;

/** What is known of all rows of a file once they have tokens. */
export interface StreamedTotals {
  file: FileFacts;
  /** Rows that were read, those that are used, and what TokenizedDataset says of them. */
  parsedRows: number;
  rows: number;
  tokens: number;
  trainedTokens: number;
  truncated: number;
  truncatedTokens: number;
  skippedTurns: number;
  /** The first of rows that cannot be used, and their number; those that cannot be read are of the file. */
  problems: Problem[];
  problemCount: number;
}

export interface TokenizeOptions extends Pick<TokenizeFileOptions, 'signal' | 'shardRows' | 'workers'> {
  /** Bytes of the file that were read, of all; and how many rows have tokens. */
  onProgress?(done: number, total: number, rows: number): void;
}

/**
 * The first rows of a file that is too large to be held in memory; null of another, and of one whose rows cannot be read one
 * after the other, as a JSON array.
 * @param from the size from which files are too large
 */
export async function largeFile(
  source: ByteSource,
  options: ParseOptions = {},
  from = STREAM_FROM_BYTES,
): Promise<ParsedDataset | null> {
  const size = Math.max(source.size, await uncompressedParquet(source));
  if (size < from) return null;
  const sample = await sampleOf(source, options);
  return sample.kind === 'jsonl' || sample.kind === 'csv' || sample.kind === 'parquet' ? sample : null;
}

/**
 * The rows of a large file as tokens in a store, which is gone on with where an earlier call ended, and is there at once where one
 * has finished. Throws `data.needs_memory`, `data.no_valid_rows`, as `tokenizeRows` and `rowBatches` do, what writing
 * throws, and the signal's reason.
 * @param root the folder of all stores
 * @param tokenizerId of `tokenizerKey`
 */
export async function tokenizeLarge(
  source: ByteSource,
  root: Directory,
  { tokenizer, tokenizerId }: { tokenizer: RowTokenizer; tokenizerId: string },
  request: Omit<RowsRequest, 'rows' | 'now'>,
  { onProgress, signal, shardRows, workers, ...reading }: TokenizeOptions & ParseOptions = {},
): Promise<{ rows: ShardRows; totals: StreamedTotals }> {
  if (request.objective !== 'sft') throw new GraftError('data.needs_memory', { what: request.objective });
  const { name: _, ...how } = request;
  const store = await ShardStore.open(root, await fileKey(source, how, tokenizerId, reading));
  if (!store.file) {
    let [read, size, rows] = [0, source.size, 0];
    const report = () => onProgress?.(read, size, rows);
    const batches = rowBatches(
      source,
      (done, total) => {
        [read, size] = [done, total];
        report();
      },
      reading,
    );
    const onRows = (done: number) => {
      rows = done;
      report();
    };
    await tokenizeFile(batches, store, tokenizer, request, { onRows, signal, shardRows, workers });
  }
  const totals = totalsOf(store);
  if (totals.rows === 0) {
    const { name: file } = source;
    const first = totals.problems[0]?.message ?? '';
    throw new GraftError('data.no_valid_rows', { file, count: totals.problemCount, first });
  }
  return { rows: await store.rows(), totals };
}

function totalsOf({ shards, file }: ShardStore): StreamedTotals {
  assert(file, 'a store that was tokenized to its end is whole');
  const facts = shards.map(({ table }) => table.facts);
  const sum = (key: Exclude<keyof (typeof facts)[number], 'problems'>) =>
    facts.reduce((all, one) => all + one[key], 0);
  return {
    file,
    parsedRows: sum('parsedRows'),
    rows: shards.reduce((all, { table }) => all + table.rows, 0),
    tokens: shards.reduce((all, { table }) => all + table.tokens.reduce((a, b) => a + b, 0), 0),
    trainedTokens: sum('trainedTokens'),
    truncated: sum('truncated'),
    truncatedTokens: sum('truncatedTokens'),
    skippedTurns: sum('skippedTurns'),
    problems: facts.flatMap(({ problems }) => problems).slice(0, MAX_PROBLEMS),
    problemCount: sum('problemCount'),
  };
}
