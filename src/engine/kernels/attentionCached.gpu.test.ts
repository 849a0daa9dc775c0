import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { needF16 } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { attentionCached } from './attentionCached.ts';
import { attentionRef } from './attention.ref.ts';

/** Tokens by where their keys are: first row and rows shared, first own row, keys in all. */
type Span = readonly [number, number, number, number];

interface Case {
  heads: number;
  kvHeads: number;
  headDim: number;
  window?: number;
  cap?: number;
  spans: readonly Span[];
}

const POOL = 200;
/** One key; own keys alone; a shared beginning, read by two; more keys than threads; the last row of the pool. */
const SPANS: readonly Span[] = [
  [0, 0, 7, 1],
  [0, 0, 20, 5],
  [100, 13, 30, 14],
  [100, 13, 40, 20],
  [0, 0, 0, 130],
  [3, 70, 199, 71],
];

const cases: Case[] = [
  { heads: 1, kvHeads: 1, headDim: 4, spans: SPANS },
  { heads: 4, kvHeads: 2, headDim: 32, spans: SPANS },
  { heads: 6, kvHeads: 1, headDim: 12, spans: SPANS, window: 3 },
  { heads: 5, kvHeads: 1, headDim: 80, spans: SPANS, cap: 0.7 },
  { heads: 4, kvHeads: 1, headDim: 256, spans: SPANS, window: 66, cap: 30 },
  { heads: 14, kvHeads: 2, headDim: 64, spans: SPANS.slice(0, 1) },
];

/** Each token with the reference for packed rows, over its keys gathered in order. */
function expected(of: Case, q: Float32Array, k: Float32Array, v: Float32Array): Float64Array {
  const { heads, kvHeads, headDim, window = 0, cap = 0, spans } = of;
  const [wide, width] = [heads * headDim, kvHeads * headDim];
  const o = new Float64Array(spans.length * wide);
  spans.forEach(([sharedStart, shared, ownStart, keys], t) => {
    const rows = Array.from({ length: keys }, (_, i) =>
      i < shared ? sharedStart + i : ownStart + i - shared,
    );
    const gathered = (all: Float32Array) =>
      rows.flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]);
    const one = attentionRef({
      q: q.subarray(t * wide, (t + 1) * wide),
      k: gathered(k),
      v: gathered(v),
      segmentStart: [0],
      queryOffset: keys - 1,
      heads,
      kvHeads,
      headDim,
      window,
      scale: headDim ** -0.5,
      cap,
    });
    o.set(one.o, t * wide);
  });
  return o;
}

describe.each(cases)(
  'cached attention, $heads:$kvHeads heads of $headDim, window $window, cap $cap',
  (of) => {
    it.for(['f32', 'f16'] as ElementType[])(
      'is the reference over each token’s keys, %s',
      async (type, context) => {
        const gpu = await testGpu();
        if (type === 'f16') needF16(context, gpu);
        const { heads, kvHeads, headDim, window = 0, cap = 0, spans } = of;
        const rows = spans.length;
        const q = asStored(randomArray(1, rows * heads * headDim, 3), type);
        const k = asStored(randomArray(2, POOL * kvHeads * headDim, 3), type);
        const v = asStored(randomArray(3, POOL * kvHeads * headDim), type);
        const o = zeros(gpu, [rows, heads, headDim], type);
        submit(gpu, (commands) =>
          attentionCached(commands, {
            q: tensorOf(gpu, q, [rows, heads, headDim], type),
            k: tensorOf(gpu, k, [POOL, kvHeads, headDim], type),
            v: tensorOf(gpu, v, [POOL, kvHeads, headDim], type),
            o,
            spans: tensorOf(gpu, Uint32Array.from(spans.flat()), [rows, 4]),
            rows,
            heads,
            kvHeads,
            headDim,
            window,
            scale: headDim ** -0.5,
            cap,
          }),
        );
        expectClose(
          await readFloats(gpu, o),
          expected(of, q, k, v),
          toleranceOf(type, { atol: 2e-6, rtol: 1e-5 }),
        );
      },
    );
  },
);

it('keys that a token does not see cannot change a bit of its result', async () => {
  const gpu = await testGpu();
  const [heads, headDim] = [2, 16];
  const spans = Uint32Array.from([2, 3, 10, 9]);
  const seen = new Set([2, 3, 4, 10, 11, 12, 13, 14, 15]);
  const run = async (stale: number) => {
    const pool = (seed: number) =>
      randomArray(seed, 20 * headDim).map((x, i) => (seen.has(Math.floor(i / headDim)) ? x : stale));
    const o = zeros(gpu, [1, heads, headDim]);
    const shape = { rows: 1, heads, kvHeads: 1, headDim, window: 0, scale: 1 };
    submit(gpu, (commands) =>
      attentionCached(commands, {
        q: tensorOf(gpu, randomArray(1, heads * headDim), [1, heads, headDim]),
        k: tensorOf(gpu, pool(2), [20, 1, headDim]),
        v: tensorOf(gpu, pool(3), [20, 1, headDim]),
        o,
        spans: tensorOf(gpu, spans, [1, 4]),
        ...shape,
      }),
    );
    return readFloats(gpu, o);
  };
  expect(await run(NaN)).toEqual(await run(0));
});
