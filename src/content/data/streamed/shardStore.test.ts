import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryDirectory } from '../../../base/storage/memoryDirectory.ts';
import type { Directory } from '../../../base/storage/types.ts';
import { defaultReading } from '../../../base/config/reading.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { dyingDirectory, Killed } from '../../../testing/dyingDirectory.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { memorySource } from '../../../testing/sources.ts';
import { localTokenizer, type RowTokenizer } from '../dataset/rowTokenizer.ts';
import { parseDataset } from '../files/parse.ts';
import { splitDataset } from '../tokens/split.ts';
import { tokenizeDataset } from '../tokens/tokenize.ts';
import { selectRows, type TokenRows } from '../tokens/tokenRows.ts';
import { openShards } from './openShards.ts';
import { splitStreamed } from './heldOut.ts';
import { largeFile, tokenizeLarge, type TokenizeOptions } from './streamedFile.ts';

const VOCAB = 70_000;
const request = {
  ...defaultReading,
  format: 'tokenized' as const,
  maxLength: 24,
  vocabSize: VOCAB,
  name: 'rows.jsonl',
};

/** Rows as people have them: masks, labels of their own, weights, some too long, some that cannot be used. */
function lines(count: number, { weights = true } = {}): string {
  const random = createRandom(7);
  return Array.from({ length: count }, (_, row) => {
    if (row % 97 === 5) return '{"input_ids": [1, 2';
    if (row % 49 === 7) return JSON.stringify({ input_ids: [VOCAB], labels: [VOCAB] });
    const input_ids = Array.from({ length: 2 + random.below(30) }, () => random.below(VOCAB));
    const labels = input_ids.map((id, i) =>
      i < 1 + (row % 2) ? -100 : row % 5 === 0 ? (id + 1) % VOCAB : id,
    );
    const loss_weights = weights && row % 3 === 0 && { loss_weights: input_ids.map((_, i) => i % 3) };
    return JSON.stringify({ input_ids, labels, ...loss_weights });
  }).join('\n');
}

const COUNT = 700;
/** Three shards. */
const SHARD = 256;
const text = lines(COUNT);
const source = memorySource('rows.jsonl', text);

let tokenized: number;
const counting: RowTokenizer = localTokenizer(null);
const tokenizer: RowTokenizer = { ...counting, hasTokenizer: false };

const read = (root: Directory, options: TokenizeOptions = {}, of = source) =>
  tokenizeLarge(of, root, { tokenizer, tokenizerId: '' }, request, {
    shardRows: SHARD,
    ...options,
    onProgress: (done, total, rows) => {
      tokenized = rows;
      options.onProgress?.(done, total, rows);
    },
  });

const inMemory = async (of = source) =>
  tokenizeDataset(await parseDataset(of), { ...request, tokenizer: null });
const every = (rows: { shapes: { tokens: Uint32Array } }) => [...rows.shapes.tokens.keys()];
const plain = ({ ids, labels, weights, offsets }: TokenRows) => ({ ids, labels, weights, offsets });

beforeEach(() => (tokenized = 0));

describe('rows of a large file', () => {
  it('are those of the same file in memory, in any order, and so is all that is said of them', async () => {
    const { rows, totals } = await read(new MemoryDirectory('rows'));
    const all = await inMemory();
    expect(plain(await rows.read(every(rows)))).toEqual(plain(all));
    const some = [650, 3, 400, 3, 255, 256];
    expect(plain(await rows.read(some))).toEqual(plain(selectRows(all, some)));
    expect([...rows.sources]).toEqual([...all.sources]);
    const { problems, ...counted } = totals;
    expect(counted).toMatchObject({
      parsedRows: all.parsedRows,
      rows: all.lines.length,
      tokens: all.ids.length,
      trainedTokens: all.trainedTokens,
      truncated: all.truncated,
      truncatedTokens: all.truncatedTokens,
      problemCount: all.problemCount,
      file: { kind: 'jsonl', problemCount: 8 },
    });
    expect(problems.map(({ message }) => message)).toEqual(all.problems.map(({ message }) => message));
  });

  it('are held out as rows in memory are, and found again by their place', async () => {
    const root = new MemoryDirectory('rows');
    const { rows } = await read(root);
    for (const fraction of ['auto', 0.02, 7, 0] as const) {
      const expected = splitDataset(await inMemory(), fraction, 3);
      const { train, evaluation } = await splitStreamed(rows, fraction, 3);
      expect(plain(await train.read(every(train)))).toEqual(plain(expected.train));
      expect(evaluation && plain(evaluation)).toEqual(expected.evaluation && plain(expected.evaluation));
      const again = await openShards(root, train.place);
      expect(again.train.digest).toBe(train.digest);
      expect(again.train.counts).toEqual(train.counts);
      expect(again.train.shapes).toEqual(train.shapes);
      expect(again.evaluation).toEqual(evaluation);
    }
    await expectGraftError(() => splitStreamed(rows, 10_001, 3), 'data.held_out_too_many');
    await expectGraftError(() => openShards(root, { store: 'other', heldOut: [] }), 'data.shards_missing');
  });

  it('need two bytes an id where the vocabulary allows, and no weights where there are none', async () => {
    const small = memorySource(
      'rows.jsonl',
      lines(50, { weights: false }).replace(/\d{3,}/g, (id) => id.slice(-4)),
    );
    const root = new MemoryDirectory('rows');
    const how = { ...request, vocabSize: 65_536 };
    const { rows } = await tokenizeLarge(small, root, { tokenizer, tokenizerId: '' }, how);
    const all = tokenizeDataset(await parseDataset(small), { ...how, tokenizer: null });
    expect(plain(await rows.read(every(rows)))).toEqual(plain(all));
    expect(all.weights).toBeNull();
  });

  it('have a store for each file, tokenizer and reading', async () => {
    const root = new MemoryDirectory('rows');
    await read(root);
    await read(root, {}, memorySource('rows.jsonl', text.replace('9', '8')));
    await tokenizeLarge(source, root, { tokenizer, tokenizerId: 'b' }, request);
    await tokenizeLarge(source, root, { tokenizer, tokenizerId: '' }, { ...request, maxLength: 23 });
    expect(await root.directories()).toHaveLength(4);
    tokenized = 0;
    await read(root);
    expect(tokenized).toBe(0);
    expect(await root.directories()).toHaveLength(4);
  });

  it('are refused where their objective compares answers, or none can be used', async () => {
    const root = new MemoryDirectory('rows');
    const dpo = tokenizeLarge(source, root, { tokenizer, tokenizerId: '' }, { ...request, objective: 'dpo' });
    await expectGraftError(() => dpo, 'data.needs_memory', { what: 'dpo' });
    const none = memorySource('rows.jsonl', '{"input_ids": [70000]}\n{"input_ids": []}');
    await expectGraftError(() => read(root, {}, none), 'data.no_valid_rows');
  });
});

describe('a crash while a large file is tokenized', () => {
  it('costs at most the shard under way, wherever it comes', async () => {
    const whole = dyingDirectory(new MemoryDirectory('rows'), Infinity);
    const { rows } = await read(whole.folder);
    const shards = whole.changes.filter((change) => /create .*\.rows$/.test(change)).length;
    expect(shards).toBe(3);
    for (let at = 1; at <= whole.changes.length; at++) {
      const root = new MemoryDirectory('rows');
      const dying = dyingDirectory(root, at);
      tokenized = 0;
      await expect(read(dying.folder)).rejects.toThrow(Killed);
      const kept = dying.changes.slice(0, -1).filter((change) => /create .*\.rows$/.test(change)).length;
      const before = tokenized;
      let first = Infinity;
      const again = await read(root, {
        onProgress: (_done, _total, count) => {
          if (count > 0) first = Math.min(first, count);
        },
      });
      // The first rows that were tokenized again are those after the shards that were kept.
      const parsed = again.totals.parsedRows;
      expect(first).toBe(kept < shards ? Math.min((kept + 1) * SHARD, parsed) : Infinity);
      expect(before - kept * SHARD).toBeLessThanOrEqual(SHARD);
      expect(again.rows.digest).toBe(rows.digest);
    }
  });

  it('or a cancel is gone on from', async () => {
    const root = new MemoryDirectory('rows');
    const ending = new AbortController();
    const onProgress = (_done: number, _total: number, rows: number) => {
      if (rows >= 300) ending.abort(new Error('enough'));
    };
    await expect(read(root, { onProgress, signal: ending.signal })).rejects.toThrow('enough');
    expect(tokenized).toBeLessThan(COUNT - 8);
    const { rows } = await read(root);
    expect(plain(await rows.read(every(rows)))).toEqual(plain(await inMemory()));
  });
});

describe('a damaged shard', () => {
  it('is made anew: where its table is damaged, and where a row of it was', async () => {
    const root = new MemoryDirectory('rows');
    const { rows } = await read(root);
    const store = await root.directory((await root.directories())[0]!);
    const file = (await store.list()).find((name) => name.startsWith('000001-'))!;
    const bytes = store.files.get(file)!;
    bytes[bytes.length - 5]! ^= 1;
    const { rows: opened } = await read(root);
    const all = every(opened);
    await expectGraftError(() => opened.read(all), 'data.shard_damaged', { file });
    expect(await store.list()).not.toContain(file);
    const again = await read(root);
    expect(again.rows.digest).toBe(rows.digest);
    store.files.get(file)![60]! ^= 1;
    tokenized = 0;
    const last = await read(root);
    expect(tokenized).toBeGreaterThan(0);
    expect(last.rows.digest).toBe(rows.digest);
    expect(plain(await last.rows.read(all))).toEqual(plain(await inMemory()));
  });
});

describe('a file', () => {
  it('is large by its size, with a sample of its first rows', async () => {
    expect(await largeFile(source)).toBeNull();
    const sample = await largeFile(source, {}, 1024);
    expect(sample).toMatchObject({ kind: 'jsonl', name: 'rows.jsonl' });
    expect(sample!.rows.length).toBeGreaterThan(600);
    // Where rows do not follow one another, all of them are needed at once.
    const list = memorySource('rows.json', `[${Array(100).fill('{"text": "abc"}').join(',')}]`);
    expect(await largeFile(list, {}, 1024)).toBeNull();
  });
});
