import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sharedPath } from '../testing/shared.ts';
import { planSteps } from './batches.ts';
import { parseDataset, type ParsedDataset } from './parse.ts';
import { diskSource } from '../testing/sources.ts';
import { fixture, qwenTokenizer, storiesTokenizer } from '../testing/tokenizers.ts';
import {
  lengthHistogram,
  previewRow,
  rowLengths,
  tokenizeDataset,
  type TokenizeOptions,
} from './tokenize.ts';

const shared = (file: string) => parseDataset(diskSource(sharedPath(file)));
const dataset = (...values: Record<string, unknown>[]): ParsedDataset => ({
  name: 'd.jsonl',
  kind: 'jsonl',
  rows: values.map((value, i) => ({ line: i + 1, value })),
  problems: [],
  problemCount: 0,
});
const tokenized = (values: Record<string, unknown>[], options: Partial<TokenizeOptions> = {}) =>
  tokenizeDataset(dataset(...values), { tokenizer: null, maxLength: 512, vocabSize: 512, ...options });

interface GoldenRow {
  input_ids: number[];
  labels: number[];
}

test('the stories give exactly the reference run’s ids, labels and batches', async () => {
  const golden = JSON.parse(readFileSync(sharedPath('golden/stories260k-lora/golden.json'), 'utf8')) as {
    batch: number;
    grad_accum: number;
    steps: number;
    batches: GoldenRow[][][];
  };
  const tokenizer = await storiesTokenizer();
  const data = tokenizeDataset(await shared('data/robot-stories.jsonl'), {
    tokenizer,
    maxLength: 512,
    vocabSize: 512,
  });
  expect(data.problemCount).toBe(0);
  const plan = planSteps({
    lengths: rowLengths(data),
    batchSize: golden.batch,
    gradAccum: golden.grad_accum,
    shuffle: false,
    packing: false,
    maxLength: 512,
    seed: 0,
    maxSteps: golden.steps,
  });
  expect(golden.batches.length).toBe(20);
  for (const [i, step] of golden.batches.entries()) {
    const ours = plan.step(i).map((rows) =>
      rows.map((packed) => {
        const row = packed[0] ?? 0;
        return {
          ids: [...data.ids.subarray(data.offsets[row], data.offsets[row + 1])],
          labels: [...data.labels.subarray(data.offsets[row], data.offsets[row + 1])],
        };
      }),
    );
    const reference = step.map((rows) =>
      rows.map(({ input_ids, labels }) => {
        // The reference is padded right: what follows the last label is padding.
        const length = labels.findLastIndex((label) => label !== -100) + 1;
        return { ids: input_ids.slice(0, length), labels: labels.slice(0, length) };
      }),
    );
    expect(ours).toEqual(reference);
  }
});

test('the instruction data tokenizes without a problem', { timeout: 60_000 }, async () => {
  const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
  for (const [file, rows] of [
    ['data/alpaca_en_demo.json', 999],
    ['data/identity.json', 91],
  ] as const) {
    const data = tokenizeDataset(await shared(file), { tokenizer, maxLength: 4096, vocabSize: 512 });
    expect([data.lines.length, data.problemCount, data.skippedTurns]).toEqual([rows, 0, 0]);
    const pieces = previewRow(data, 0, tokenizer);
    expect(pieces.at(-2)).toMatchObject({ trained: true, special: true, text: '<|im_end|>', tokens: 1 });
  }
});

describe('tokenized rows', () => {
  test('pass through with their labels; the first label is never predicted', () => {
    const data = tokenized([{ input_ids: [1, 5, 6], labels: [-100, 5, 6] }, { input_ids: [7, 8] }]);
    expect([...data.ids]).toEqual([1, 5, 6, 7, 8]);
    expect([...data.labels]).toEqual([-100, 5, 6, 7, 8]);
    expect([...data.offsets]).toEqual([0, 3, 5]);
    expect([...data.lines]).toEqual([1, 2]);
    expect(data.trainedTokens).toBe(3);
  });

  test('problems by line; the other rows stay', () => {
    const data = tokenized(
      [
        { input_ids: [1, 2] },
        { input_ids: [1, 512] },
        { input_ids: [1, 2], labels: [-100, 600] },
        { input_ids: [1, 2], labels: [1, -100] },
        { input_ids: [] },
        { input_ids: [1, 2, 3, 4], labels: [-100, -100, -100, 4] },
        { input_ids: [1, 2, 3, 4], labels: [-100, 2, -100, 4] },
        { input_ids: [1, 2.5] },
        { text: 'x' },
      ],
      { maxLength: 3 },
    );
    expect([...data.lines]).toEqual([1, 7]);
    expect(data.problems.map(({ line, code }) => [line, code])).toEqual([
      [2, 'data.bad_ids'],
      [3, 'data.bad_ids'],
      [4, 'data.no_trained_tokens'],
      [5, 'data.empty_row'],
      [6, 'data.cut_away'],
      [8, 'data.bad_ids'],
      [9, 'data.missing_field'],
    ]);
    expect(data.problems.every(({ message }) => !message.includes('{'))).toBe(true);
    expect(data.truncated).toBe(1);
    expect(data.truncatedTokens).toBe(1);
    expect(data.problems[0]?.message).toContain('Line 2 of d.jsonl: "input_ids"[1] is 512');
  });

  test('all rows masked is an error; strict throws the first problem', () => {
    const masked = { input_ids: [1, 2], labels: [-100, -100] };
    expect(() => tokenized([masked, masked])).toThrow(
      expect.objectContaining({ code: 'data.all_masked', params: expect.objectContaining({ count: 2 }) }),
    );
    expect(() => tokenized([{ input_ids: [600] }])).toThrow(
      expect.objectContaining({ code: 'data.no_valid_rows' }),
    );
    expect(() => tokenized([{ input_ids: [1, 2] }, masked], { strict: true })).toThrow(
      expect.objectContaining({
        code: 'data.no_trained_tokens',
        params: expect.objectContaining({ line: 2 }),
      }),
    );
  });
});

describe('text rows', () => {
  test('need a tokenizer that fits the model', async () => {
    const row = { prompt: 'a', completion: 'b' };
    expect(() => tokenized([row])).toThrow(expect.objectContaining({ code: 'data.no_tokenizer' }));
    const tokenizer = await storiesTokenizer();
    expect(() => tokenized([row], { tokenizer, vocabSize: 511 })).toThrow(
      expect.objectContaining({ code: 'data.tokenizer_mismatch' }),
    );
    const broken = await qwenTokenizer('{% if %}');
    expect(() => tokenized([row], { tokenizer: broken })).toThrow(
      expect.objectContaining({ code: 'data.template_invalid' }),
    );
  });

  test('a row its template refuses, and one without an answer, are problems by line', async () => {
    const tokenizer = { ...(await storiesTokenizer()), chatTemplate: fixture('mistral.jinja') };
    const user = { role: 'user', content: 'a' };
    const data = tokenized(
      [
        { messages: [user, { role: 'assistant', content: 'b' }] },
        { messages: [user, user] },
        { messages: [user] },
      ],
      { tokenizer },
    );
    expect(data.problems.map(({ line, code }) => [line, code])).toEqual([
      [2, 'data.row_refused'],
      [3, 'data.no_trained_tokens'],
    ]);
    expect(data.problems[0]?.message).toContain('Line 2 of d.jsonl');
    expect(data.problems[1]?.message).toContain('no answer of the assistant');
  });

  test('prompts and completions go through the template where there is one', async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
    const data = tokenized([{ prompt: 'Hi', completion: 'Hello' }], { tokenizer });
    const pieces = previewRow(data, 0, tokenizer);
    const text = (trained: boolean) =>
      pieces.flatMap((piece) => (piece.trained === trained ? piece.text : [])).join('');
    expect(text(false)).toMatch(/<\|im_start\|>user\nHi<\|im_end\|>\n<\|im_start\|>assistant\n\n$/);
    expect(text(true)).toBe('Hello<|im_end|>');
    expect(pieces.filter(({ special }) => special).map(({ text: special }) => special)).toContain(
      '<|im_end|>',
    );
    expect(pieces.every(({ special, tokens }) => !special || tokens === 1)).toBe(true);
  });
});

test('preview without a tokenizer shows ids; a character split over pieces is not lost', async () => {
  expect(previewRow(tokenized([{ input_ids: [1, 2, 3], labels: [-100, -100, 3] }]), 0, null)).toEqual([
    { text: '1 2 ', trained: false, special: false, tokens: 2 },
    { text: '3 ', trained: true, special: false, tokens: 1 },
  ]);
  const tokenizer = await storiesTokenizer();
  const ids = tokenizer.encode('🙂');
  const labels = ids.map((id, i) => (i > ids.length - 3 ? id : -100));
  const pieces = previewRow(tokenized([{ input_ids: ids, labels }]), 0, tokenizer);
  expect(pieces.map(({ text }) => text).join('')).toBe('<s> 🙂');
});

test('histogram of lengths', () => {
  const data = tokenized([3, 5, 10, 10].map((n) => ({ input_ids: Array.from({ length: n }, (_, i) => i) })));
  const histogram = lengthHistogram(data, 5);
  expect(histogram).toEqual({
    edges: [0, 2, 4, 6, 8, 10],
    counts: [0, 1, 1, 0, 2],
    shortest: 3,
    longest: 10,
    mean: 7,
    total: 28,
  });
});

test(
  'tokenizing is deterministic, reports progress, and 1,000 rows take seconds',
  { timeout: 60_000 },
  async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
    const parsed = await shared('data/alpaca_en_demo.json');
    let last = 0;
    const options = {
      tokenizer,
      maxLength: 2048,
      vocabSize: 512,
      onProgress: (done: number) => (last = done),
    };
    const start = performance.now();
    const data = tokenizeDataset(parsed, options);
    // About 1 s on an idle core; the bound is for a machine busy with other tests.
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(last).toBe(parsed.rows.length);
    const some = tokenizeDataset({ ...parsed, rows: parsed.rows.slice(0, 100) }, options);
    expect(some.ids).toEqual(data.ids.slice(0, data.offsets[100]));
  },
);
