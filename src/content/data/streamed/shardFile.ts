import * as v from 'valibot';
import type { IHasher } from 'hash-wasm';
import { takeCrc32 } from '../../../base/lib/crc32.ts';
import { GraftError, type ErrorCode, type ErrorParams } from '../../../base/lib/errors.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { MAX_PROBLEMS, type Problem } from '../files/problems.ts';
import { rowShapes } from '../tokens/rowShapes.ts';
import { countWeightedTokens, type TokenRow } from '../tokens/tokenRows.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { partsOf, recordBytes, SUM_BYTES, writeRecord } from './rowRecord.ts';

/**
 * A shard: some rows of a data file as tokens, little-endian. A header of six 32-bit numbers (`GRSH`, version, rows, bytes
 * of an id, bytes of the facts, CRC-32 of facts and table), the facts as JSON filled up with spaces to whole words, a table of
 * five numbers a row (tokens, targets, line, index of its parsed row, parts of its record), and the records (rowRecord.ts),
 * each of which ends with the CRC-32 of the rest of it: what is read in any order is still proved.
 */
const MAGIC = 0x48535247;
const VERSION = 1;
const HEADER_BYTES = 24;
const COLUMNS = 5;
/** From here on an id needs four bytes. */
const SHORT_IDS = 1 << 16;

/** What is known of a shard as a whole: what a TokenizedDataset counts. */
const factsSchema = v.object({
  parsedRows: v.number(),
  truncated: v.number(),
  truncatedTokens: v.number(),
  trainedTokens: v.number(),
  weightedTokens: v.number(),
  skippedTurns: v.number(),
  problemCount: v.number(),
  problems: v.array(
    v.object({
      line: v.number(),
      code: v.string(),
      params: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
      message: v.string(),
    }),
  ),
});

export interface ShardFacts extends Omit<v.InferOutput<typeof factsSchema>, 'problems'> {
  problems: Problem[];
}

/** A shard without its records. */
export interface ShardTable {
  rows: number;
  idBytes: number;
  facts: ShardFacts;
  /** [rows] each. */
  tokens: Uint32Array;
  targets: Uint32Array;
  lines: Uint32Array;
  sources: Uint32Array;
  parts: Uint8Array;
  /** [rows + 1] where each record begins in the file, and where the last ends. */
  starts: Uint32Array;
}

/** Tokenized rows as the bytes of a shard. @param vocabSize rows of the model's embedding, which no id reaches */
export function shardBytes(part: TokenizedDataset, vocabSize: number, crc: IHasher): Uint8Array<ArrayBuffer> {
  const rows = part.offsets.length - 1;
  const idBytes = vocabSize <= SHORT_IDS ? 2 : 4;
  const { targets } = rowShapes(part);
  const all = Array.from({ length: rows }, (_, row) => rowOf(part, row));
  const shapes = all.map((row) => ({ tokens: row.ids.length, parts: partsOf(row), idBytes }));
  const text = new TextEncoder().encode(JSON.stringify(factsOf(part)));
  const factBytes = Math.ceil(text.length / 4) * 4;
  const tableAt = HEADER_BYTES + factBytes;
  const recordsAt = tableAt + rows * COLUMNS * 4;
  const size = recordsAt + shapes.reduce((sum, shape) => sum + recordBytes(shape), 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.fill(0x20, HEADER_BYTES, tableAt);
  bytes.set(text, HEADER_BYTES);
  shapes.forEach(({ tokens, parts }, row) =>
    [tokens, targets[row]!, part.lines[row]!, part.sources[row]!, parts].forEach((value, column) =>
      view.setUint32(tableAt + 4 * (column * rows + row), value, true),
    ),
  );
  const sum = takeCrc32(crc.update(bytes.subarray(HEADER_BYTES, recordsAt)));
  [MAGIC, VERSION, rows, idBytes, factBytes, sum].forEach((value, i) => view.setUint32(4 * i, value, true));
  let at = recordsAt;
  for (const [row, shape] of shapes.entries()) {
    writeRecord(view, at, all[row]!, shape);
    const end = at + recordBytes(shape) - SUM_BYTES;
    view.setUint32(end, takeCrc32(crc.update(bytes.subarray(at, end))), true);
    at = end + SUM_BYTES;
  }
  return bytes;
}

/** Everything of a shard but its records. Throws `data.shard_damaged`, and what reading throws. */
export async function readShardTable(source: ByteSource, crc: IHasher): Promise<ShardTable> {
  const damaged = () => new GraftError('data.shard_damaged', { file: source.name });
  if (source.size < HEADER_BYTES) throw damaged();
  const header = await source.read(0, HEADER_BYTES);
  const [magic, version, rows, idBytes, factBytes, sum] = wordsOf(header);
  const length = factBytes! + rows! * COLUMNS * 4;
  if (magic !== MAGIC || version !== VERSION || HEADER_BYTES + length > source.size) throw damaged();
  const bytes = await source.read(HEADER_BYTES, length);
  if (takeCrc32(crc.update(bytes)) !== sum) throw damaged();
  const words = wordsOf(bytes.subarray(factBytes));
  const column = (at: number) => words.slice(at * rows!, (at + 1) * rows!);
  const [tokens, targets, lines, sources] = [0, 1, 2, 3].map(column) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const parts = Uint8Array.from(column(4));
  const starts = new Uint32Array(rows! + 1);
  starts[0] = HEADER_BYTES + length;
  for (let row = 0; row < rows!; row++) {
    const shape = { tokens: tokens[row]!, parts: parts[row]!, idBytes: idBytes! };
    starts[row + 1] = starts[row]! + recordBytes(shape);
  }
  if (starts[rows!] !== source.size) throw damaged();
  const facts = v.parse(factsSchema, JSON.parse(new TextDecoder().decode(bytes.subarray(0, factBytes))));
  return {
    rows: rows!,
    idBytes: idBytes!,
    facts: { ...facts, problems: facts.problems.map(problemOf) },
    ...{ tokens, targets, lines, sources, parts, starts },
  };
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

function rowOf({ ids, labels, weights, offsets }: TokenizedDataset, row: number): TokenRow {
  const [start, end] = [offsets[row]!, offsets[row + 1]!];
  return {
    ids: ids.subarray(start, end),
    labels: labels.subarray(start, end),
    weights: weights && weights.subarray(start, end),
  };
}

function factsOf(part: TokenizedDataset): ShardFacts {
  const { parsedRows, truncated, truncatedTokens, trainedTokens, skippedTurns, problemCount } = part;
  const weightedTokens = countWeightedTokens(part);
  const counted = { parsedRows, truncated, truncatedTokens, trainedTokens, weightedTokens, skippedTurns };
  return { ...counted, problemCount, problems: part.problems.slice(0, MAX_PROBLEMS) };
}

/** A problem of a row that is no longer in memory. */
function problemOf({
  line,
  code,
  params,
  message,
}: v.InferOutput<typeof factsSchema>['problems'][number]): Problem {
  return { line, code: code as ErrorCode, params: params as ErrorParams, message };
}
