import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { attentionCase, type AttentionShape } from '../../testing/attentionCase.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16, needSubgroups } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { attentionBackwardRef, attentionRef } from './attention.ref.ts';
import { attention, attentionBackward } from './attention.ts';
import type { AttentionChoice } from './attentionForm.ts';

// In f16 only loads and stores differ: a few shapes will do.
const cases: (AttentionShape & { f16?: true })[] = [
  { lengths: [1], heads: 1, kvHeads: 1, headDim: 8 },
  { lengths: [2, 1, 1, 3], heads: 3, kvHeads: 3, headDim: 12 },
  { lengths: [33], heads: 3, kvHeads: 1, headDim: 16, f16: true },
  { lengths: [1, 30, 1, 38], heads: 8, kvHeads: 2, headDim: 8 },
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

/** Runs forward and backward on the GPU. */
async function run(input: Numbers, type: ElementType = 'f32', choice?: AttentionChoice) {
  const gpu = await testGpu();
  const { rows, heads, kvHeads, headDim } = input;
  const queries = [rows, heads, headDim];
  const keys = [rows, kvHeads, headDim];
  const forward = {
    ...input,
    choice,
    q: tensorOf(gpu, input.q, queries, type),
    k: tensorOf(gpu, input.k, keys, type),
    v: tensorOf(gpu, input.v, keys, type),
    o: zeros(gpu, queries, type),
    lse: zeros(gpu, [rows, heads]),
    segmentStart: tensorOf(gpu, input.segmentStart, [rows]),
  };
  // Previous contents must not show through.
  const gradients = {
    dQ: tensorOf(gpu, new Float32Array(input.q.length).fill(7), queries),
    dK: tensorOf(gpu, new Float32Array(input.k.length).fill(7), keys),
    dV: tensorOf(gpu, new Float32Array(input.v.length).fill(7), keys),
  };
  const commands = gpu.commands();
  attention(commands, forward);
  attentionBackward(commands, {
    ...forward,
    ...gradients,
    dO: tensorOf(gpu, input.dO, queries),
    delta: zeros(gpu, [rows, heads, 2]),
    segmentEnd: tensorOf(gpu, input.segmentEnd, [rows]),
  });
  commands.submit();
  return {
    dQ: await readFloats(gpu, gradients.dQ),
    dK: await readFloats(gpu, gradients.dK),
    dV: await readFloats(gpu, gradients.dV),
  };
}

type Gradients = Record<'dQ' | 'dK' | 'dV', ArrayLike<number>>;

/** Expects each entry within `tolerance` times the largest entry of its gradient. */
function expectGradients(actual: Gradients, expected: Gradients, tolerance: number) {
  for (const name of ['dQ', 'dK', 'dV'] as const) {
    let largest = 0;
    for (const x of Array.from(expected[name])) largest = Math.max(largest, Math.abs(x));
    // dQ and dK of single-token segments are zero up to rounding.
    expectClose(actual[name], expected[name], { atol: tolerance * largest + 1e-6 });
  }
}

/** Rounds to f16 as the GPU receives it. */
async function rounded(values: Float32Array<ArrayBuffer>) {
  const gpu = await testGpu();
  return Float32Array.from(await readFloats(gpu, tensorOf(gpu, values, [values.length], 'f16')));
}

const forms = ['tiled', 'subgroup'] as const;

describe.each(cases.flatMap((shape) => forms.map((choice) => ({ window: 0, cap: 0, ...shape, choice }))))(
  '$choice attention backward over $lengths, $heads:$kvHeads heads of $headDim, window $window, cap $cap',
  ({ choice, f16, ...shape }) => {
    const input = attentionCase(shape);

    it('equals the reference', async (context) => {
      if (choice === 'subgroup') needSubgroups(context, await testGpu());
      expectGradients(await run(input, 'f32', choice), attentionBackwardRef(input, input.dO), 1e-5);
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
      const { o, lse } = attentionRef(halves);
      const saved = { o: Float64Array.from(await rounded(Float32Array.from(o))), lse };
      expectGradients(await run(halves, 'f16', choice), attentionBackwardRef(halves, halves.dO, saved), 1e-4);
    });
  },
);

describe.each(cases.map((shape) => ({ window: 0, cap: 0, ...shape })))(
  'the reference gradients over $lengths, $heads:$kvHeads heads of $headDim, window $window, cap $cap',
  (shape) => {
    const input = attentionCase(shape);

    it('match finite differences', () => {
      const { dQ, dK, dV } = attentionBackwardRef(input, input.dO);
      const loss = (change: Partial<Record<'q' | 'k' | 'v', ArrayLike<number>>>) =>
        attentionRef({ ...input, ...change }).o.reduce((sum, value, i) => sum + value * input.dO[i]!, 0);
      const at = (length: number) => [0, Math.floor(length / 2), length - 1];
      const { q, k, v } = input;
      for (const i of at(q.length))
        expect(dQ[i]).toBeCloseTo(
          finiteDifference((x) => loss({ q: x }), q, i),
          5,
        );
      for (const i of at(k.length))
        expect(dK[i]).toBeCloseTo(
          finiteDifference((x) => loss({ k: x }), k, i),
          5,
        );
      for (const i of at(v.length))
        expect(dV[i]).toBeCloseTo(
          finiteDifference((x) => loss({ v: x }), v, i),
          5,
        );
    });
  },
);

describe('attention backward', () => {
  it.each([
    { LANES: 4, ROW_GROUPS: 2, PER_LANE: 1, COLUMNS: 1, ROUND: 1, STEP: 2, UNROLL: 1 },
    { LANES: 2, ROW_GROUPS: 1, PER_LANE: 3, COLUMNS: 2, ROUND: 3, STEP: 3, UNROLL: 3 },
    { LANES: 16, ROW_GROUPS: 16, PER_LANE: 4, COLUMNS: 1, ROUND: 1, STEP: 16, UNROLL: 4 },
  ])('is correct with tiles %o', async (tiles) => {
    const input = attentionCase({ lengths: [9, 1, 31, 12], heads: 6, kvHeads: 2, headDim: 24, window: 20 });
    const actual = await run(input, 'f32', tiles);
    expectGradients(actual, attentionBackwardRef(input, input.dO), 1e-5);
  });

  it('packed rows cannot see each other: other segments do not change a bit of the gradients', async () => {
    const input = attentionCase({ lengths: [13, 21, 30], heads: 4, kvHeads: 2, headDim: 16 });
    const before = await run(input);
    const other = { ...input };
    const own = (values: Float32Array, heads: number) => values.slice(13 * heads * 16, 34 * heads * 16);
    const heads = { q: 4, k: 2, v: 2, dO: 4 };
    for (const [i, name] of (['q', 'k', 'v', 'dO'] as const).entries()) {
      other[name] = randomArray(20 + i, input[name].length, 50);
      other[name].set(own(input[name], heads[name]), 13 * heads[name] * 16);
    }
    const after = await run(other);
    expect(own(after.dQ, 4)).toEqual(own(before.dQ, 4));
    expect(own(after.dK, 2)).toEqual(own(before.dK, 2));
    expect(own(after.dV, 2)).toEqual(own(before.dV, 2));
    expect(after.dV.slice(0, 32)).not.toEqual(before.dV.slice(0, 32));
  });

  it('is deterministic', async () => {
    const input = attentionCase({ lengths: [13, 21, 30], heads: 4, kvHeads: 2, headDim: 16 });
    expect(await run(input)).toEqual(await run(input));
  });

  it('stays finite when the softmax has a single key', async () => {
    const input = attentionCase({ lengths: [40], heads: 1, kvHeads: 1, headDim: 8 });
    const large = { ...input, q: input.q.map((x) => x * 1e3), k: input.k.map((x) => x * 1e3) };
    const gradients = await run(large);
    for (const name of ['dQ', 'dK', 'dV'] as const) expect(gradients[name].every(Number.isFinite)).toBe(true);
    expectClose(gradients.dV, attentionBackwardRef(large, large.dO).dV, { atol: 1e-5 });
  });
});
