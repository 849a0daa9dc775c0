import type { IHasher } from 'hash-wasm';
import { hexOf } from '../../../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../../../base/lib/contentHash.ts';
import { createCrc32, takeCrc32 } from '../../../base/lib/crc32.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource, Directory } from '../../../base/storage/types.ts';
import type { RowShapes } from '../tokens/rowShapes.ts';
import { tokenRowsOf, type TokenRow, type TokenRows } from '../tokens/tokenRows.ts';
import type { StreamedRows, TokenCounts } from '../tokens/trainRows.ts';
import { readRecord, recordParts, SUM_BYTES } from './rowRecord.ts';
import type { ShardTable } from './shardFile.ts';

/** A shard of a store that is whole. */
export interface OpenShard {
  file: string;
  table: ShardTable;
}

/**
 * The rows of a whole store, as they are in its data file. What plans need of a row (17 bytes) is in memory; its tokens
 * are read from its shard, and proved by their checksum, each time they are due.
 */
export class ShardRows implements StreamedRows {
  readonly shapes: RowShapes;
  readonly counts: TokenCounts;
  readonly digest: string;
  readonly place: StreamedRows['place'];
  /** [rows] index of the parsed row that each came from: rows of the same one are never split. */
  readonly sources: Uint32Array;
  readonly #directory: Directory;
  readonly #shards: readonly OpenShard[];
  /** [shards] number of the first row of each. */
  readonly #first: number[] = [];
  readonly #sources = new Map<string, Promise<ByteSource>>();
  readonly #crc: IHasher;

  private constructor(directory: Directory, shards: readonly OpenShard[], digest: string, crc: IHasher) {
    this.#directory = directory;
    this.#shards = shards;
    this.#crc = crc;
    this.digest = digest;
    this.place = { store: directory.name, heldOut: [] };
    const rows = shards.reduce((sum, { table }) => sum + table.rows, 0);
    const sum = (key: 'trainedTokens' | 'weightedTokens') =>
      shards.reduce((all, { table }) => all + table.facts[key], 0);
    const tokens = new Uint32Array(rows);
    const targets = new Uint32Array(rows);
    this.sources = new Uint32Array(rows);
    let [row, parsed, weighted, count] = [0, 0, false, 0];
    for (const { table } of shards) {
      this.#first.push(row);
      tokens.set(table.tokens, row);
      targets.set(table.targets, row);
      for (let i = 0; i < table.rows; i++) {
        this.sources[row + i] = parsed + table.sources[i]!;
        weighted ||= (table.parts[i]! & recordParts.weights) !== 0;
        count += table.tokens[i]!;
      }
      row += table.rows;
      parsed += table.facts.parsedRows;
    }
    this.shapes = { tokens, targets, weighted };
    this.counts = { tokens: count, trained: sum('trainedTokens'), weighted: sum('weightedTokens') };
  }

  static async open(directory: Directory, shards: readonly OpenShard[]): Promise<ShardRows> {
    const hasher = await createContentHash();
    hasher.update(JSON.stringify(shards.map(({ file }) => file)));
    return new ShardRows(directory, shards, hexOf(takeDigest(hasher)), await createCrc32());
  }

  async read(rows: readonly number[]): Promise<TokenRows> {
    return tokenRowsOf(await Promise.all(rows.map((row) => this.#read(row))));
  }

  async #read(row: number): Promise<TokenRow> {
    const at = this.#shardOf(row);
    const { file, table } = this.#shards[at]!;
    const own = row - this.#first[at]!;
    const [start, end] = [table.starts[own]!, table.starts[own + 1]!];
    const source = await this.#open(file);
    const bytes = await source.read(start, end - start);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sum = takeCrc32(this.#crc.update(bytes.subarray(0, -SUM_BYTES)));
    if (sum !== view.getUint32(bytes.byteLength - SUM_BYTES, true)) {
      // Whoever opens the store next makes the shard anew.
      await this.#directory.remove(file).catch(() => undefined);
      throw new GraftError('data.shard_damaged', { file });
    }
    const shape = { tokens: table.tokens[own]!, parts: table.parts[own]!, idBytes: table.idBytes };
    return readRecord(bytes, shape, this.shapes.weighted);
  }

  #open(file: string): Promise<ByteSource> {
    const opened = this.#sources.get(file) ?? this.#directory.open(file);
    this.#sources.set(file, opened);
    return opened;
  }

  /** The last shard that begins at the row or before it. */
  #shardOf(row: number): number {
    let [low, high] = [0, this.#first.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#first[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
