import { describe, expect, test } from 'vitest';
import { alpaca, robotStories } from '../../../testing/fixtures.ts';
import { modelFolder, needRun, readGolden } from '../../../testing/golden.ts';
import { needShared, sharedPath } from '../../../testing/shared.ts';
import { planSteps } from './batches.ts';
import { parseDataset, type ParsedDataset } from '../files/parse.ts';
import { diskSource } from '../../../testing/sources.ts';
import { fixture, llama2Tokenizer, qwenTokenizer } from '../../../testing/tokenizers.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import {
  lengthHistogram,
  previewRow,
  rowLengths,
  tokenizeDataset,
  type TokenizeDatasetOptions,
} from './tokenize.ts';

const dataset = (...values: Record<string, unknown>[]): ParsedDataset => ({
  name: 'd.jsonl',
  kind: 'jsonl',
  rows: values.map((value, i) => ({ line: i + 1, value })),
  problems: [],
  problemCount: 0,
});
const tokenized = (values: Record<string, unknown>[], options: Partial<TokenizeDatasetOptions> = {}) =>
  tokenizeDataset(dataset(...values), { tokenizer: null, maxLength: 512, vocabSize: 512, ...options });

test.for([
  { run: 'starter-lora', padded: false },
  { run: 'stories260k-lora', padded: true },
])('the stories give exactly the ids, labels and batches of $run', async ({ run, padded }, context) => {
  needRun(context, run);
  const golden = readGolden(run);
  const tokenizer = (await loadTokenizer(modelFolder(golden.model)))!;
  const { vocabSize } = tokenizer;
  const data = tokenizeDataset(await parseDataset(diskSource(robotStories)), {
    tokenizer,
    maxLength: 512,
    vocabSize,
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
  expect(golden.batches).toHaveLength(golden.steps);
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
        // Where the reference is padded right, what follows the last label is padding.
        const length = padded ? labels.findLastIndex((label) => label !== -100) + 1 : labels.length;
        return { ids: input_ids.slice(0, length), labels: labels.slice(0, length) };
      }),
    );
    expect(ours).toEqual(reference);
  }
});

describe('instruction data', () => {
  const expectNoProblem = async (path: string, rows: number) => {
    const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
    const parsed = await parseDataset(diskSource(path));
    const data = tokenizeDataset(parsed, { tokenizer, maxLength: 4096, vocabSize: 512 });
    expect([data.lines.length, data.problemCount, data.skippedTurns]).toEqual([rows, 0, 0]);
    const pieces = previewRow(data, 0, tokenizer);
    expect(pieces.at(-2)).toMatchObject({ trained: true, special: true, text: '<|im_end|>', tokens: 1 });
  };

  test('tokenizes without a problem', () => expectNoProblem(alpaca, 24));

  test.for([
    ['alpaca_en_demo.json', 999],
    ['identity.json', 91],
  ] as const)('of others too: %s', async ([file, rows], context) => {
    needShared(context, `data/${file}`);
    await expectNoProblem(sharedPath(`data/${file}`), rows);
  });
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

  test('problems have line numbers; the other rows stay', () => {
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
  test('need a tokenizer that matches the model', async () => {
    const row = { prompt: 'a', completion: 'b' };
    expect(() => tokenized([row])).toThrow(expect.objectContaining({ code: 'data.no_tokenizer' }));
    const tokenizer = await llama2Tokenizer();
    expect(() => tokenized([row], { tokenizer, vocabSize: 511 })).toThrow(
      expect.objectContaining({ code: 'data.tokenizer_mismatch' }),
    );
    const broken = await qwenTokenizer('{% if %}');
    expect(() => tokenized([row], { tokenizer: broken })).toThrow(
      expect.objectContaining({ code: 'data.template_invalid' }),
    );
  });

  test('a row its template refuses, and one without an answer, are problems by line', async () => {
    const tokenizer = { ...(await llama2Tokenizer()), chatTemplate: fixture('mistral.jinja') };
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
    expect(data.problems[1]?.message).toContain('no assistant answer');
  });

  test('prompts and completions go through the template if there is one', async () => {
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

test('preview without a tokenizer shows ids; a character split across pieces is not lost', async () => {
  expect(previewRow(tokenized([{ input_ids: [1, 2, 3], labels: [-100, -100, 3] }]), 0, null)).toEqual([
    { text: '1 2 ', trained: false, special: false, tokens: 2 },
    { text: '3 ', trained: true, special: false, tokens: 1 },
  ]);
  const tokenizer = await llama2Tokenizer();
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

test('tokenizing is deterministic and reports progress', async () => {
  const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
  const parsed = await parseDataset(diskSource(alpaca));
  let last = 0;
  const options = {
    tokenizer,
    maxLength: 2048,
    vocabSize: 512,
    onProgress: (done: number) => (last = done),
  };
  const data = tokenizeDataset(parsed, options);
  expect(last).toBe(parsed.rows.length);
  const some = tokenizeDataset({ ...parsed, rows: parsed.rows.slice(0, 100) }, options);
  expect(some.ids).toEqual(data.ids.slice(0, data.offsets[100]));
});
