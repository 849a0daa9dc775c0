import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../testing/compare.ts';
import { finiteDifference } from '../testing/finiteDifference.ts';
import { testGpu } from '../testing/gpu.ts';
import { asStored, submit, toleranceOf } from '../testing/kernels.ts';
import { tensorOf, zeros } from '../testing/tensors.ts';
import { rmsNormBackwardRef, rmsNormRef } from './rmsNorm.ref.ts';
import { ropeRef } from './rope.ref.ts';
import { headElements, headsIn, rope, ropeBackward } from './rope.ts';
import { ropeFrequencies } from './ropeFrequencies.ts';

const eps = 1e-3;
/** Heads of q, heads of k and v, size of a head. */
const shapes = [
  [1, 1, 1, 2],
  [1, 3, 1, 64],
  [7, 2, 2, 12],
  [33, 6, 2, 80],
  [2, 5, 1, 256],
] as const;
const close = { atol: 4e-6, rtol: 4e-6 };

interface Case {
  positions: Uint32Array;
  frequencies: Float32Array;
  heads: number;
  kvHeads: number;
  /** Weights of the norms of q and k. */
  norm: [Float32Array, Float32Array] | null;
}

type Parts<T = ArrayLike<number>> = [q: T, k: T, v: T];

/** q, k and v of each token beside each other. */
function beside(parts: Parts, rows: number): Float32Array<ArrayBuffer> {
  const all: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const part of parts) {
      const width = part.length / rows;
      for (let i = 0; i < width; i++) all.push(part[row * width + i]!);
    }
  }
  return Float32Array.from(all);
}

/** Runs `rope` on the parts, or its gradient with `d`: then also what tokens add to those of the norms' weights. */
async function run(parts: Parts, of: Case, type: ElementType, d?: Parts) {
  const gpu = await testGpu();
  const { positions, frequencies, heads, kvHeads, norm } = of;
  const shape = { rows: positions.length, heads, kvHeads, headDim: 2 * frequencies.length };
  const width = (heads + 2 * kvHeads) * shape.headDim;
  const raw = tensorOf(gpu, beside(parts, shape.rows), [shape.rows, width], type);
  const vector = (values: Float32Array) => tensorOf(gpu, values, [values.length]);
  const common = {
    ...shape,
    positions: tensorOf(gpu, positions, [shape.rows]),
    inverseFrequencies: vector(frequencies),
    norm: norm && { qWeight: vector(norm[0]), kWeight: vector(norm[1]), eps },
  };
  if (d) {
    const flat = new Float32Array(headElements(shape));
    const empty = headsIn(zeros(gpu, [flat.length]), shape);
    [empty.q, empty.k, empty.v].forEach((tensor, i) => {
      flat.set(Float32Array.from(d[i]!), tensor.offset / 4);
    });
    const filled = headsIn(tensorOf(gpu, flat, [flat.length]), shape);
    const dRaw = zeros(gpu, [shape.rows, width]);
    const gradient = { ...common, dParts: filled, raw };
    submit(gpu, (commands) => ropeBackward(commands, { ...gradient, dRaw }));
    const frozen = await readFloats(gpu, dRaw);
    if (!norm) return [frozen];
    const dNorm = zeros(gpu, [shape.rows, 2, shape.headDim]);
    submit(gpu, (commands) => ropeBackward(commands, { ...gradient, dRaw, dNorm }));
    expect(await readFloats(gpu, dRaw)).toEqual(frozen);
    return [frozen, await readFloats(gpu, dNorm)];
  }
  const rotated = headsIn(zeros(gpu, [headElements(shape)], type), shape);
  submit(gpu, (commands) => rope(commands, { ...common, raw, parts: rotated }));
  return Promise.all([rotated.q, rotated.k, rotated.v].map((part) => readFloats(gpu, part)));
}

/** The same in f64. */
function forwardRef([q, k, v]: Parts, { positions, frequencies, heads, kvHeads, norm }: Case): Parts {
  const [qNormed, kNormed] = norm
    ? [
        rmsNormRef(q, norm[0], positions.length * heads, eps).y,
        rmsNormRef(k, norm[1], positions.length * kvHeads, eps).y,
      ]
    : [q, k];
  const turned = (x: ArrayLike<number>, count: number) => ropeRef(x, positions, frequencies, count);
  return [turned(qNormed, heads), turned(kNormed, kvHeads), v];
}

function backwardRef([q, k]: Parts, d: Parts, of: Case): Parts {
  const { positions, frequencies, heads, kvHeads, norm } = of;
  const back = (dy: ArrayLike<number>, x: ArrayLike<number>, count: number, weight?: Float32Array) => {
    const turned = ropeRef(dy, positions, frequencies, count, true);
    return weight ? rmsNormBackwardRef(turned, x, weight, positions.length * count, eps) : turned;
  };
  return [back(d[0], q, heads, norm?.[0]), back(d[1], k, kvHeads, norm?.[1]), d[2]];
}

/** What each token adds to the gradients of the weights of the norms of q and k, [T, 2, D]. */
function normsRef([q, k]: Parts, d: Parts, { positions, frequencies, heads, kvHeads, norm }: Case) {
  const headDim = 2 * frequencies.length;
  const sums = new Float64Array(positions.length * 2 * headDim);
  const add = (x: ArrayLike<number>, dy: ArrayLike<number>, count: number, which: 0 | 1) => {
    const turned = ropeRef(dy, positions, frequencies, count, true);
    const { rstd } = rmsNormRef(x, norm![which], positions.length * count, eps);
    turned.forEach((g, i) => {
      const head = Math.floor(i / headDim);
      sums[(2 * Math.floor(head / count) + which) * headDim + (i % headDim)]! += g * x[i]! * rstd[head]!;
    });
  };
  add(q, d[0], heads, 0);
  add(k, d[1], kvHeads, 1);
  return sums;
}

describe.each(shapes)('rope of %i x (%i + 2 · %i) x %i', (rows, heads, kvHeads, headDim) => {
  const sizes = [heads, kvHeads, kvHeads].map((count) => rows * count * headDim);
  const partsOf = (seed: number) =>
    sizes.map((size, i) => randomArray(seed + i, size)) as Parts<Float32Array>;
  const frequencies = ropeFrequencies({ headDim, theta: 10000 });
  // Two packed sequences: positions start again.
  const positions = Uint32Array.from({ length: rows }, (_, t) => (t < 3 ? t : t - 3));
  const weights = [1, 2].map((seed) => randomArray(seed, headDim).map((w) => 1 + w)) as [
    Float32Array,
    Float32Array,
  ];

  describe.each([false, true])('with head norms: %s', (normed) => {
    const of: Case = { positions, frequencies, heads, kvHeads, norm: normed ? weights : null };

    it.each(['f32', 'f16'] as const)('equals the reference, %s', async (type) => {
      if (type === 'f16' && !(await testGpu()).hasF16) return; // SwiftShader has none
      const parts = partsOf(3).map((part) => asStored(part, type)) as Parts<Float32Array>;
      const expected = forwardRef(parts, of);
      (await run(parts, of, type)).forEach((part, i) => {
        expectClose(part, expected[i]!, toleranceOf(type, close));
      });
      const d = partsOf(7);
      const [gradient, ofNorms] = await run(parts, of, type, d);
      expectClose(gradient!, beside(backwardRef(parts, d, of), rows), { atol: 1e-5, rtol: 1e-5 });
      if (normed) expectClose(ofNorms!, normsRef(parts, d, of), { atol: 1e-5, rtol: 1e-5 });
    });

    it('has a reference whose gradient equals finite differences', () => {
      const [parts, d] = [partsOf(3), partsOf(7)];
      const gradient = backwardRef(parts, d, of);
      parts.forEach((part, which) => {
        const loss = (at: ArrayLike<number>) => {
          const moved = parts.map((other, i) => (i === which ? at : other)) as Parts;
          return forwardRef(moved, of).reduce(
            (sum, y, i) => sum + Array.from(y).reduce((s, v, j) => s + v * d[i]![j]!, 0),
            0,
          );
        };
        for (const i of [0, Math.floor(part.length / 2), part.length - 1]) {
          expect(gradient[which]![i]).toBeCloseTo(finiteDifference(loss, part, i), 4);
        }
      });
      if (!of.norm) return;
      const ofNorms = normsRef(parts, d, of);
      of.norm.forEach((weight, which) => {
        const loss = (at: ArrayLike<number>) => {
          const norm = of.norm!.map((other, i) => (i === which ? (at as Float32Array) : other));
          const moved = { ...of, norm: norm as [Float32Array, Float32Array] };
          return forwardRef(parts, moved).reduce(
            (sum, y, i) => sum + Array.from(y).reduce((s, v, j) => s + v * d[i]![j]!, 0),
            0,
          );
        };
        for (const i of [0, headDim - 1]) {
          let sum = 0;
          for (let row = 0; row < rows; row++) sum += ofNorms[(2 * row + which) * headDim + i]!;
          expect(sum).toBeCloseTo(finiteDifference(loss, weight, i), 4);
        }
      });
    });
  });
});

describe('at far positions', () => {
  const positions = Uint32Array.of(0, 1, 4095, 8192, 20011, 32749, 32767, 131071);
  const cases = {
    'theta 10,000': ropeFrequencies({ headDim: 128, theta: 10000 }),
    'theta 1,000,000': ropeFrequencies({ headDim: 128, theta: 1e6 }),
    // Powers of two and numbers about them take every way through the phase's shifts.
    'frequencies of all sizes': Float32Array.from(
      { length: 64 },
      (_, i) => 2 ** (24 - i) * (1 + (i % 5) / 7),
    ),
  };

  it.each(Object.keys(cases) as (keyof typeof cases)[])(
    'is within 8e-6 of f64 up to 32,767 radians with %s',
    async (name) => {
      const frequencies = cases[name];
      const headDim = 2 * frequencies.length;
      const x = Float32Array.from({ length: positions.length * headDim }, (_, i) =>
        i % headDim < headDim / 2 ? 1 : 0,
      );
      const none = new Float32Array(x.length);
      const of = { positions, frequencies, heads: 1, kvHeads: 1, norm: null };
      const [actual = none] = await run([x, none, none], of, 'f32');
      const expected = ropeRef(x, positions, frequencies, 1);
      const slow = (i: number) =>
        positions[Math.floor(i / headDim)]! * frequencies[i % frequencies.length]! < 2e5;
      // Above 200,000 radians the constant 2³⁴/2π of 32 bits no longer suffices: those only have to be rotations.
      expectClose(
        actual.filter((_, i) => slow(i)),
        expected.filter((_, i) => slow(i)),
        { atol: 4e-5 },
      );
      for (let row = 0; row < positions.length; row++) {
        for (let i = 0; i < frequencies.length; i++) {
          const at = row * headDim + i;
          expect(Math.hypot(actual[at]!, actual[at + frequencies.length]!)).toBeCloseTo(1, 5);
        }
      }
      const near = (i: number) =>
        positions[Math.floor(i / headDim)]! * frequencies[i % frequencies.length]! <= 32767;
      expectClose(
        actual.filter((_, i) => near(i)),
        expected.filter((_, i) => near(i)),
        { atol: 8e-6 },
      );
    },
  );
});
