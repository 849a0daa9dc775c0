import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { rmsNormBackwardRef, rmsNormRef } from './rmsNorm.ref.ts';
import { queryScaleRef, ropeRef } from './rope.ref.ts';
import { headElements, headsIn, rope, ropeBackward } from './rope.ts';
import { ropeFrequencies } from './ropeFrequencies.ts';

const eps = 1e-3;
const close = { atol: 4e-6, rtol: 4e-6 };
const plainRope = { scaling: { rope_type: 'default' } } as const;

/** How q and k are normalized; weights are of the norm's width, without the offset. */
interface NormCase {
  offset: number;
  wide: boolean;
  after: boolean;
  weightless: boolean;
}

/** What turns, and how. */
interface TurnCase {
  /** Pairs that turn, of D/2. */
  pairs: number;
  magnitude: number;
  interleaved: boolean;
  reversed: boolean;
  queryScale: { beta: number; context: number } | null;
}

interface Case {
  positions: Uint32Array;
  frequencies: Float32Array;
  headDim: number;
  heads: number;
  kvHeads: number;
  turn: Omit<TurnCase, 'pairs'>;
  norm: (NormCase & { weights: [Float32Array, Float32Array] }) | null;
}

type Parts<T = ArrayLike<number>> = [q: T, k: T, v: T];
const plainTurn = { magnitude: 1, interleaved: false, reversed: false, queryScale: null };
const plainNorm = { offset: 0, wide: false, after: false, weightless: false };

/** Interleaves q, k and v by token. */
function interleaved(parts: Parts, rows: number): Float32Array<ArrayBuffer> {
  const all: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const part of parts) {
      const width = part.length / rows;
      for (let i = 0; i < width; i++) all.push(part[row * width + i]!);
    }
  }
  return Float32Array.from(all);
}

/** Runs `rope` on the parts, or its gradient given `d`: then also each token's gradients of the norm weights. */
async function run(parts: Parts, of: Case, type: ElementType, d?: Parts) {
  const gpu = await testGpu();
  const { positions, frequencies, heads, kvHeads, headDim, norm, turn } = of;
  const shape = { rows: positions.length, heads, kvHeads, headDim };
  const width = (heads + 2 * kvHeads) * headDim;
  const raw = tensorOf(gpu, interleaved(parts, shape.rows), [shape.rows, width], type);
  const vector = (values: Float32Array) => tensorOf(gpu, values, [values.length]);
  const common = {
    ...shape,
    positions: tensorOf(gpu, positions, [shape.rows]),
    rotation: frequencies.length > 0 ? { inverseFrequencies: vector(frequencies), ...turn } : null,
    norm: norm && {
      ...norm,
      qWeight: norm.weightless ? null : vector(norm.weights[0]),
      kWeight: norm.weightless ? null : vector(norm.weights[1]),
      eps,
    },
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
    if (!norm || norm.weightless) return [frozen];
    const dNorm = zeros(gpu, [shape.rows, norm.wide ? (heads + kvHeads) * headDim : 2 * headDim]);
    submit(gpu, (commands) => ropeBackward(commands, { ...gradient, dRaw, dNorm }));
    expect(await readFloats(gpu, dRaw)).toEqual(frozen);
    return [frozen, await readFloats(gpu, dNorm)];
  }
  const rotated = headsIn(zeros(gpu, [headElements(shape)], type), shape);
  submit(gpu, (commands) => rope(commands, { ...common, raw, parts: rotated }));
  return Promise.all([rotated.q, rotated.k, rotated.v].map((part) => readFloats(gpu, part)));
}

/** One of q and k in f64: its heads, its norm's rows and factors. */
function side({ positions, heads, kvHeads, norm }: Case, which: 0 | 1) {
  const count = which === 0 ? heads : kvHeads;
  const rows = positions.length * (norm?.wide ? 1 : count);
  const factors = norm && norm.weights[which].map((w) => (norm.weightless ? 1 : norm.offset + w));
  return { count, rows, factors };
}

const scaled = (x: ArrayLike<number>, { positions, turn }: Case, which: 0 | 1) =>
  Float64Array.from(x, (v, i) => {
    const position = positions[Math.floor((i * positions.length) / x.length)]!;
    return turn.queryScale && which === 0 ? v * queryScaleRef(position, turn.queryScale) : v;
  });

/** The same as `rope` in f64. */
function forwardRef([q, k, v]: Parts, of: Case): Parts {
  const { positions, frequencies, turn, norm } = of;
  const one = (x: ArrayLike<number>, which: 0 | 1) => {
    const { count, rows, factors } = side(of, which);
    const turned = (y: ArrayLike<number>) =>
      ropeRef(y, positions, { inverseFrequencies: frequencies, ...turn }, count);
    const normed = (y: ArrayLike<number>) => (factors ? rmsNormRef(y, factors, rows, eps).y : y);
    return scaled(norm?.after ? normed(turned(x)) : turned(normed(x)), of, which);
  };
  return [one(q, 0), one(k, 1), v];
}

/** The gradients of raw, and those of the norm weights for each token: of q, then k. */
function backwardRef([q, k]: Parts, d: Parts, of: Case): { parts: Parts; norms: Float64Array[] } {
  const { positions, frequencies, turn, norm } = of;
  const one = (x: ArrayLike<number>, dy: ArrayLike<number>, which: 0 | 1) => {
    const { count, rows, factors } = side(of, which);
    const turned = (y: ArrayLike<number>, inverse: boolean) =>
      ropeRef(y, positions, { inverseFrequencies: frequencies, ...turn }, count, inverse);
    const g = scaled(dy, of, which);
    if (!norm || !factors) return { dx: turned(g, true), dw: new Float64Array() };
    const [input, output] = norm.after ? [turned(x, false), g] : [x, turned(g, true)];
    const inner = rmsNormBackwardRef(output, input, factors, rows, eps);
    const { rstd } = rmsNormRef(input, factors, rows, eps);
    const dim = factors.length;
    const dw = new Float64Array(positions.length * dim);
    for (let i = 0; i < input.length; i++) {
      const token = Math.floor((i * positions.length) / input.length);
      dw[token * dim + (i % dim)]! += output[i]! * input[i]! * rstd[Math.floor(i / dim)]!;
    }
    return { dx: norm.after ? turned(inner, true) : inner, dw };
  };
  const [ofQ, ofK] = [one(q, d[0], 0), one(k, d[1], 1)];
  return { parts: [ofQ.dx, ofK.dx, d[2]], norms: [ofQ.dw, ofK.dw] };
}

/** Tokens, heads of q, heads of k and v, head size. */
type Shape = readonly [rows: number, heads: number, kvHeads: number, headDim: number];

function caseOf(
  [rows, heads, kvHeads, headDim]: Shape,
  turn: Partial<TurnCase>,
  norm: Partial<NormCase> | null,
): Case {
  const { pairs = headDim / 2, ...how } = turn;
  const widths = norm?.wide ? [heads * headDim, kvHeads * headDim] : [headDim, headDim];
  const weights = widths.map((width, i) => randomArray(1 + i, width).map((w) => 1 + w));
  return {
    // Two packed sequences: positions restart.
    positions: Uint32Array.from({ length: rows }, (_, t) => (t < 3 ? t : t - 3)),
    frequencies: ropeFrequencies({ ...plainRope, dims: 2 * pairs, theta: 10000 }),
    headDim,
    heads,
    kvHeads,
    turn: { ...plainTurn, ...how },
    norm: norm && { ...plainNorm, ...norm, weights: weights as [Float32Array, Float32Array] },
  };
}

function partsOf([rows, heads, kvHeads, headDim]: Shape, seed: number): Parts<Float32Array> {
  const sizes = [heads, kvHeads, kvHeads].map((count) => rows * count * headDim);
  return sizes.map((size, i) => randomArray(seed + i, size)) as Parts<Float32Array>;
}

const odd: Shape = [7, 6, 2, 24];
const queryScale = { beta: 0.3, context: 2 };
const cases: [string, Shape, Case][] = (
  [
    ...(
      [
        [1, 1, 1, 2],
        [1, 3, 1, 64],
        [7, 2, 2, 12],
        [33, 6, 2, 80],
        [2, 5, 1, 256],
      ] as const
    ).flatMap((shape) => [
      [`${shape.join(' x ')}`, shape, {}, null],
      [`${shape.join(' x ')}, head norms`, shape, {}, {}],
    ]),
    ['partial', odd, { pairs: 9 }, null],
    ['partial, magnitude, norms of 1 + w', odd, { pairs: 5, magnitude: 1.2 }, { offset: 1 }],
    ['interleaved', odd, { interleaved: true }, null],
    ['interleaved and partial, norms after', odd, { interleaved: true, pairs: 6 }, { after: true }],
    ['reversed, norms without weights after', odd, { reversed: true }, { after: true, weightless: true }],
    ['no rotation', odd, { pairs: 0 }, null],
    ['no rotation, norms', odd, { pairs: 0 }, {}],
    ['norms over all heads', odd, {}, { wide: true }],
    ['norms over all heads after, partial', odd, { pairs: 4, magnitude: 0.7 }, { wide: true, after: true }],
    ['query scale', odd, { queryScale }, null],
    ['query scale, norms after', odd, { queryScale, magnitude: 1.1 }, { after: true }],
  ] as [string, Shape, Partial<TurnCase>, Partial<NormCase> | null][]
).map(([name, shape, turn, norm]) => [name, shape, caseOf(shape, turn, norm)]);

describe.each(cases)('rope, %s', (_, shape, of) => {
  const [rows] = shape;
  it.for(['f32', 'f16'] as const)('equals the reference, %s', async (type, context) => {
    if (type === 'f16') needF16(context, await testGpu());
    const parts = partsOf(shape, 3).map((part) => asStored(part, type)) as Parts<Float32Array>;
    const expected = forwardRef(parts, of);
    (await run(parts, of, type)).forEach((part, i) => {
      expectClose(part, expected[i]!, toleranceOf(type, close));
    });
    const d = partsOf(shape, 7);
    const [gradient, ofNorms] = await run(parts, of, type, d);
    const { parts: dParts, norms } = backwardRef(parts, d, of);
    expectClose(gradient!, interleaved(dParts, rows), { atol: 1e-5, rtol: 1e-5 });
    if (!of.norm || of.norm.weightless) return;
    const [dQ = [], dK = []] = norms;
    expectClose(ofNorms!, interleaved([dQ, dK, []], rows), { atol: 1e-5, rtol: 1e-5 });
  });

  it('has a reference whose gradient matches finite differences', () => {
    const [parts, d] = [partsOf(shape, 3), partsOf(shape, 7)];
    const { parts: gradient, norms } = backwardRef(parts, d, of);
    const lossOf = (at: Parts, with_: Case) =>
      forwardRef(at, with_).reduce(
        (sum, y, i) => sum + Array.from(y).reduce((s, v, j) => s + v * d[i]![j]!, 0),
        0,
      );
    parts.forEach((part, which) => {
      const loss = (at: ArrayLike<number>) =>
        lossOf(parts.map((other, i) => (i === which ? at : other)) as Parts, of);
      for (const i of [0, Math.floor(part.length / 2), part.length - 1]) {
        expect(gradient[which]![i]).toBeCloseTo(finiteDifference(loss, part, i), 4);
      }
    });
    const { norm } = of;
    if (!norm || norm.weightless) return;
    norm.weights.forEach((weight, which) => {
      const loss = (at: ArrayLike<number>) => {
        const weights = norm.weights.map((other, i) => (i === which ? (at as Float32Array) : other));
        return lossOf(parts, { ...of, norm: { ...norm, weights: weights as typeof norm.weights } });
      };
      for (const i of [0, weight.length - 1]) {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += norms[which]![row * weight.length + i]!;
        expect(sum).toBeCloseTo(finiteDifference(loss, weight, i), 4);
      }
    });
  });
});

describe('at far positions', () => {
  const positions = Uint32Array.of(0, 1, 4095, 8192, 20011, 32749, 32767, 131071);
  const cases = {
    'theta 10,000': ropeFrequencies({ ...plainRope, dims: 128, theta: 10000 }),
    'theta 1,000,000': ropeFrequencies({ ...plainRope, dims: 128, theta: 1e6 }),
    // Powers of two and their neighbours exercise every shift of the phase.
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
      const of: Case = { positions, frequencies, headDim, heads: 1, kvHeads: 1, turn: plainTurn, norm: null };
      const [actual = none] = await run([x, none, none], of, 'f32');
      const expected = ropeRef(x, positions, { inverseFrequencies: frequencies }, 1);
      const slow = (i: number) =>
        positions[Math.floor(i / headDim)]! * frequencies[i % frequencies.length]! < 2e5;
      // Above 200,000 radians the 32-bit constant 2³⁴/2π is not precise enough: the results only have to be rotations.
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
