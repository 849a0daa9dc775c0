import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { attentionCase, type AttentionShape } from '../../testing/attentionCase.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16, needSubgroups } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { attentionRef } from './attention.ref.ts';
import { attention } from './attention.ts';
import type { AttentionChoice } from './attentionForm.ts';

// In f16 only loads and stores differ: a few shapes will do.
const cases: (AttentionShape & { f16?: true })[] = [
  { lengths: [1], heads: 1, kvHeads: 1, headDim: 8 },
  { lengths: [2, 1, 1, 3], heads: 3, kvHeads: 3, headDim: 12 },
  { lengths: [33], heads: 3, kvHeads: 1, headDim: 16, f16: true },
  { lengths: [1, 30, 1, 38], heads: 8, kvHeads: 2, headDim: 8 },
  { lengths: [7, 41, 1, 19], heads: 2, kvHeads: 2, headDim: 32 },
  { lengths: [40, 29], heads: 3, kvHeads: 1, headDim: 64, window: 5 },
  { lengths: [3, 64], heads: 2, kvHeads: 1, headDim: 64, f16: true },
  { lengths: [20, 17], heads: 2, kvHeads: 1, headDim: 80, window: 16 },
  { lengths: [35], heads: 1, kvHeads: 1, headDim: 96, window: 1 },
  { lengths: [1, 36, 3], heads: 4, kvHeads: 2, headDim: 128, f16: true },
  { lengths: [11, 26], heads: 2, kvHeads: 1, headDim: 256, window: 30 },
  { lengths: [9, 28], heads: 6, kvHeads: 2, headDim: 24, window: 8, cap: 0.7, f16: true },
  { lengths: [33], heads: 2, kvHeads: 1, headDim: 64, cap: 50 },
];

type Numbers = ReturnType<typeof attentionCase>;

async function run(
  input: Numbers,
  { type = 'f32' as ElementType, choice = undefined as AttentionChoice | undefined } = {},
) {
  const gpu = await testGpu();
  const { rows, heads, kvHeads, headDim, queryOffset, window, scale, cap } = input;
  const keys = input.k.length / (kvHeads * headDim);
  const o = zeros(gpu, [rows, heads, headDim], type);
  const lse = zeros(gpu, [rows, heads]);
  const commands = gpu.commands();
  attention(commands, {
    q: tensorOf(gpu, input.q, [rows, heads, headDim], type),
    k: tensorOf(gpu, input.k, [keys, kvHeads, headDim], type),
    v: tensorOf(gpu, input.v, [keys, kvHeads, headDim], type),
    o,
    lse,
    segmentStart: tensorOf(gpu, input.segmentStart, [rows]),
    rows,
    heads,
    kvHeads,
    headDim,
    queryOffset,
    window,
    scale,
    cap,
    choice,
  });
  commands.submit();
  return { o: await readFloats(gpu, o), lse: await readFloats(gpu, lse) };
}

/** Rounds to f16 as the GPU receives it. */
async function rounded(values: Float32Array<ArrayBuffer>) {
  const gpu = await testGpu();
  return Float32Array.from(await readFloats(gpu, tensorOf(gpu, values, [values.length], 'f16')));
}

const forms = ['tiled', 'subgroup'] as const;

describe.each(cases.flatMap((shape) => forms.map((choice) => ({ window: 0, cap: 0, ...shape, choice }))))(
  '$choice attention over $lengths, $heads:$kvHeads heads of $headDim, window $window, cap $cap',
  ({ choice, f16, ...shape }) => {
    const input = attentionCase(shape);

    it('equals the reference', async (context) => {
      if (choice === 'subgroup') needSubgroups(context, await testGpu());
      const expected = attentionRef(input);
      const actual = await run(input, { choice });
      expectClose(actual.o, expected.o, { atol: 2e-6, rtol: 1e-5 });
      expectClose(actual.lse, expected.lse, { atol: 2e-6, rtol: 1e-6 });
    });

    if (!f16) return;

    it('in f16 equals the reference on the rounded values', async (context) => {
      const gpu = await testGpu();
      needF16(context, gpu);
      if (choice === 'subgroup') needSubgroups(context, gpu);
      const halves = {
        ...input,
        q: await rounded(input.q),
        k: await rounded(input.k),
        v: await rounded(input.v),
      };
      const expected = attentionRef(halves);
      const actual = await run(halves, { type: 'f16', choice });
      expectClose(actual.o, expected.o, { atol: 2e-6, rtol: 6e-4 });
      expectClose(actual.lse, expected.lse, { atol: 2e-6, rtol: 1e-6 });
    });
  },
);

describe('attention', () => {
  const shape = { lengths: [9, 1, 31, 12], heads: 6, kvHeads: 2, headDim: 24, window: 20 };

  it.each([
    { LANES: 4, ROW_GROUPS: 2, PER_LANE: 1, COLUMNS: 1, ROUND: 1, STEP: 2, UNROLL: 1 },
    { LANES: 2, ROW_GROUPS: 1, PER_LANE: 3, COLUMNS: 2, ROUND: 3, STEP: 3, UNROLL: 3 },
    { LANES: 8, ROW_GROUPS: 4, PER_LANE: 4, COLUMNS: 1, ROUND: 2, STEP: 8, UNROLL: 4 },
    { LANES: 8, ROW_GROUPS: 16, PER_LANE: 4, COLUMNS: 1, ROUND: 2, STEP: 16, UNROLL: 8 },
  ])('is correct with tiles %o', async (tiles) => {
    const input = attentionCase(shape);
    const expected = attentionRef(input);
    const actual = await run(input, { choice: tiles });
    expectClose(actual.o, expected.o, { atol: 2e-6, rtol: 1e-5 });
    expectClose(actual.lse, expected.lse, { atol: 2e-6, rtol: 1e-6 });
  });

  it.each([
    { heads: 14, kvHeads: 2, headDim: 64, window: 0 },
    { heads: 2, kvHeads: 2, headDim: 8, window: 0 },
    { heads: 4, kvHeads: 1, headDim: 128, window: 7 },
  ])(
    'of one or a few tokens on a cache matches those rows of the full result ($heads:$kvHeads of $headDim)',
    async (heads) => {
      const input = attentionCase({ lengths: [70], ...heads });
      const whole = await run(input);
      const width = input.heads * input.headDim;
      for (const [from, count] of [
        [69, 1],
        [0, 1],
        [40, 1],
        [50, 20],
        [61, 3],
      ] as const) {
        // The cache is larger than its filled part and holds stale values, infinities among them.
        const keyWidth = input.kvHeads * input.headDim;
        const cache = (filled: Float32Array<ArrayBuffer>) => {
          const all = new Float32Array(80 * keyWidth).fill(Infinity);
          all.set(filled.subarray(0, (from + count) * keyWidth));
          return all;
        };
        const part = await run({
          ...input,
          rows: count,
          queryOffset: from,
          q: input.q.slice(from * width, (from + count) * width),
          k: cache(input.k),
          v: cache(input.v),
          segmentStart: input.segmentStart.slice(from, from + count),
        });
        expectClose(part.o, whole.o.slice(from * width, (from + count) * width), { atol: 2e-6, rtol: 1e-5 });
        const lse = whole.lse.slice(from * input.heads, (from + count) * input.heads);
        expectClose(part.lse, lse, { atol: 2e-6, rtol: 1e-6 });
      }
    },
  );

  it('packed rows cannot see each other: other keys and values do not change a bit', async () => {
    const input = attentionCase({ lengths: [13, 21, 30], heads: 4, kvHeads: 2, headDim: 16 });
    const before = await run(input);
    const other = {
      ...input,
      k: randomArray(11, input.k.length, 50),
      v: randomArray(12, input.v.length, 50),
    };
    const width = 2 * 16;
    for (const name of ['k', 'v'] as const)
      other[name].set(input[name].subarray(13 * width, 34 * width), 13 * width);
    const after = await run(other);
    const own = (values: Float32Array, size: number) => values.slice(13 * size, 34 * size);
    expect(own(after.o, 4 * 16)).toEqual(own(before.o, 4 * 16));
    expect(own(after.lse, 4)).toEqual(own(before.lse, 4));
    expect(after.o.slice(0, 64)).not.toEqual(before.o.slice(0, 64));
  });

  it('is a plain mean for equal scores, and stays finite for large ones', async () => {
    const input = attentionCase({ lengths: [40], heads: 1, kvHeads: 1, headDim: 8 });
    const equal = await run({ ...input, q: new Float32Array(input.q.length) });
    const mean = Float32Array.from({ length: 8 }, (_, d) => {
      let sum = 0;
      for (let t = 0; t < 40; t++) sum += input.v[t * 8 + d]!;
      return sum / 40;
    });
    expectClose(equal.o.slice(39 * 8), mean, { atol: 1e-6 });
    const large = { ...input, q: input.q.map((x) => x * 1e4), k: input.k.map((x) => x * 1e4) };
    expectClose((await run(large)).o, attentionRef(large).o, { atol: 1e-5 });
  });
});
