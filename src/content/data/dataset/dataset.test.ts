import { describe, expect, it } from 'vitest';
import { plainChatml, user, assistant } from '../../../testing/markedRows.ts';
import { memorySource } from '../../../testing/sources.ts';
import { parseDataset } from '../files/parse.ts';
import { defaultReading } from '../../../base/config/reading.ts';
import { detectFormat } from '../rows/formats.ts';
import { Dataset } from './dataset.ts';
import { localTokenizer, type RowTokenizer } from './rowTokenizer.ts';

const options = { reading: defaultReading, maxLength: 512, vocabSize: 1e6, evalFraction: 0.3, seed: 1 };
const ids = (first: number) => ({ input_ids: [first, 1, 2], labels: [-100, 1, 2] });

async function open(rows: readonly object[]): Promise<Dataset> {
  const source = memorySource('rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const parsed = await parseDataset(source);
  return new Dataset(parsed, detectFormat(parsed.rows, parsed.name));
}

/** A tokenizer that counts the rows it is given. */
async function countingTokenizer(): Promise<{ tokenizer: RowTokenizer; counts: number[] }> {
  const counts: number[] = [];
  const local = localTokenizer(await plainChatml());
  const tokenizer: RowTokenizer = {
    ...local,
    tokenize(request, onProgress) {
      counts.push(request.rows.length);
      return local.tokenize(request, onProgress);
    },
  };
  return { tokenizer, counts };
}

describe('Dataset', () => {
  it('keeps every other row in its part of the split when rows are excluded', async () => {
    const dataset = await open(Array.from({ length: 10 }, (_, i) => ids(10 + i)));
    const firstIds = async () => {
      const { all, train, evaluation } = await dataset.tokenize(localTokenizer(null), options);
      const idOf = (row: number) => all.ids[all.offsets[row]!]!;
      return { train: train.map(idOf), evaluation: evaluation.map(idOf) };
    };
    const before = await firstIds();
    expect(before.evaluation).toHaveLength(3);
    const [gone] = before.train;
    const position = gone! - 10;
    dataset.sheet.exclude([position]);
    expect(await firstIds()).toEqual({
      train: before.train.slice(1),
      evaluation: before.evaluation,
    });
  });

  it('keeps the turns of a row together, and tokenizes only rows that were edited', async () => {
    const chat = (n: number) => ({
      messages: [user(`a${n}`), assistant('b'), user('c'), assistant('d')],
    });
    const dataset = await open([chat(1), chat(2), chat(3), chat(4)]);
    const { tokenizer, counts } = await countingTokenizer();
    const apart = { ...options, reading: { ...defaultReading, splitTurns: true } };
    const { all, train, evaluation } = await dataset.tokenize(tokenizer, apart);
    expect([...all.sources]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect([train.length, evaluation.length]).toEqual([6, 2]);
    expect(evaluation[1]! - evaluation[0]!).toBe(1);
    const row = dataset.sheet.row(2)!;
    expect(dataset.tokenizedRows(row)).toEqual([4, 5]);
    dataset.sheet.edit(2, JSON.stringify({ messages: [user('a'), assistant('b')] }));
    const after = await dataset.tokenize(tokenizer, apart);
    expect(counts).toEqual([4, 1]);
    expect([...after.all.sources]).toEqual([0, 0, 1, 1, 2, 3, 3]);
    expect(dataset.tokenizedRows(row)).toEqual([]);
    expect(dataset.tokenizedRows(dataset.sheet.row(2)!)).toEqual([4]);
  });

  it('counts the tokens of all turns of a row that are cut off', async () => {
    const dataset = await open([{ messages: [user('a'), assistant('b'), user('c'), assistant('d')] }]);
    const tokenizer = localTokenizer(await plainChatml());
    const row = dataset.sheet.row(0)!;
    const apart = { ...options, reading: { ...defaultReading, splitTurns: true } };
    const whole = await dataset.tokenizeRow(tokenizer, row, apart);
    const maxLength = whole.lengths[1]! - 1;
    const cut = await dataset.tokenizeRow(tokenizer, row, { ...apart, maxLength });
    expect(cut.lengths).toEqual(whole.lengths);
    expect(cut.truncatedTokens).toBe(1);
    expect(cut.ids.length).toBe(whole.ids.length - 1);
  });

  it('has tokens but none to train on where no row can be used, and says why', async () => {
    const dataset = await open([{ input_ids: [1, 2], labels: [-100, -100] }]);
    await expect(dataset.tokenize(localTokenizer(null), options)).rejects.toMatchObject({
      code: 'data.all_masked',
    });
    expect(dataset.tokens).toBeNull();
    expect(dataset.tokenized?.problemCount).toBe(1);
    expect(dataset.problemOf(dataset.sheet.row(0)!)).toMatchObject({ code: 'data.no_trained_tokens' });
  });

  it('finds rows by themselves, whatever was excluded before them', async () => {
    const row = { input_ids: [1, 2, 3] };
    const dataset = await open([ids(9), row, ids(8), row]);
    dataset.sheet.exclude([0]);
    await dataset.tokenize(localTokenizer(null), { ...options, evalFraction: 0 });
    const [finding] = await dataset.lint(localTokenizer(null));
    expect(finding).toMatchObject({ code: 'duplicate' });
    expect(finding!.rows).toEqual([dataset.sheet.row(3)]);
    expect(finding!.rows.map((found) => dataset.sheet.positionOf(found))).toEqual([3]);
  });
});
