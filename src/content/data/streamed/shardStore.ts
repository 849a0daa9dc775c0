import * as v from 'valibot';
import { hexOf } from '../../../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../../../base/lib/contentHash.ts';
import { createCrc32 } from '../../../base/lib/crc32.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { Directory } from '../../../base/storage/types.ts';
import type { ParsedDataset } from '../files/parse.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { readShardTable, shardBytes } from './shardFile.ts';
import { ShardRows, type OpenShard } from './shardRows.ts';

/** What is said of a data file whose rows were read one after the other. */
export type FileFacts = Omit<ParsedDataset, 'rows'>;

const BEGUN = 'begun.json';
const WHOLE = 'whole.json';
/** `000012-` and the hash of the content. */
const shardName = /^(\d{6})-[0-9a-f]{32}\.rows$/;

const begunSchema = v.object({ now: v.number() });
const wholeSchema = v.object({ shards: v.array(v.string()), file: v.unknown() });

/**
 * A data file's tokens as shards in a folder of their own: `begun.json`, a file a shard, named by its number and the hash of its
 * content, and at last `whole.json`, which lists them. Each file appears when it is whole, so a crash costs the shard
 * under way, and the shards before it are taken up by whoever tokenizes the file next.
 */
export class ShardStore {
  readonly #directory: Directory;
  #shards: OpenShard[];
  /** The date that templates see: that of the first shard, whenever the others are made. */
  readonly now: Date;
  #file: FileFacts | null;

  private constructor(directory: Directory, now: Date, shards: OpenShard[], file: FileFacts | null) {
    this.#directory = directory;
    this.now = now;
    this.#shards = shards;
    this.#file = file;
  }

  /** Opens a store, or begins it. A shard that is damaged is removed with those after it: they are made anew. */
  static async open(root: Directory, key: string): Promise<ShardStore> {
    const directory = await root.directory(key);
    const files = await directory.list();
    if (!files.includes(BEGUN)) {
      await directory.removeUnfinished?.().catch(() => undefined);
      await writeJson(directory, BEGUN, { now: Date.now() });
    }
    const { now } = v.parse(begunSchema, await readJson(directory, BEGUN));
    const crc = await createCrc32();
    const shards: OpenShard[] = [];
    for (const file of files.filter((name) => shardName.test(name))) {
      const isNext = Number(shardName.exec(file)![1]) === shards.length;
      try {
        if (!isNext) throw new GraftError('data.shard_damaged', { file });
        shards.push({ file, table: await readShardTable(await directory.open(file), crc) });
      } catch (error) {
        if (!(error instanceof GraftError) || error.code !== 'data.shard_damaged') throw error;
        if (files.includes(WHOLE)) await directory.remove(WHOLE).catch(() => undefined);
        await directory.remove(file);
      }
    }
    const whole = (await directory.list()).includes(WHOLE)
      ? v.parse(wholeSchema, await readJson(directory, WHOLE))
      : null;
    const isWhole = whole?.shards.join() === shards.map(({ file }) => file).join();
    return new ShardStore(directory, new Date(now), shards, isWhole ? (whole!.file as FileFacts) : null);
  }

  /** The shards there are, in order. */
  get shards(): readonly OpenShard[] {
    return this.#shards;
  }

  /** What was said of the file when its last row had tokens; null before. */
  get file(): FileFacts | null {
    return this.#file;
  }

  /** Writes the next shard. Throws `storage.quota`, and what writing throws: then it is not there. */
  async add(part: TokenizedDataset, vocabSize: number): Promise<void> {
    const crc = await createCrc32();
    const bytes = shardBytes(part, vocabSize, crc);
    const hash = hexOf(takeDigest((await createContentHash()).update(bytes)));
    const file = `${String(this.#shards.length).padStart(6, '0')}-${hash}.rows`;
    await write(this.#directory, file, bytes);
    this.#shards.push({ file, table: await readShardTable(await this.#directory.open(file), crc) });
  }

  /** Notes that these shards are all. */
  async finish(file: FileFacts): Promise<void> {
    await writeJson(this.#directory, WHOLE, { shards: this.#shards.map((shard) => shard.file), file });
    this.#file = file;
  }

  /** All rows. The store must be whole. */
  rows(): Promise<ShardRows> {
    return ShardRows.open(this.#directory, this.#shards);
  }
}

async function write(directory: Directory, file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const sink = await directory.create(file);
  try {
    await sink.write(bytes);
    await sink.close();
  } catch (error) {
    await sink.abort().catch(() => undefined);
    throw error;
  }
}

const writeJson = (directory: Directory, file: string, json: unknown): Promise<void> =>
  write(directory, file, new TextEncoder().encode(JSON.stringify(json)));

async function readJson(directory: Directory, file: string): Promise<unknown> {
  const source = await directory.open(file);
  return JSON.parse(new TextDecoder().decode(await source.read(0, source.size)));
}
