import { describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { asStored, submit, toleranceOf, weightOf } from '../../testing/kernels.ts';
import { needF16 } from '../../testing/needs.ts';
import { quantizedCases, quantizedWeight } from '../../testing/quantized.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import {
  doraLinearBackwardRef,
  doraLinearRef,
  doraNormsRef,
  type DoraLinearRef,
} from '../model/trained/doraLinear.ref.ts';
import { loraLinearRef } from '../model/trained/loraLinear.ref.ts';
import { doraBackward, doraOutput, doraScales } from './dora.ts';
import type { Weight } from './weight.ts';

const close = { atol: 1e-5, rtol: 1e-5 };

/** Rows and columns; with 172 and 44 words straddle blocks, 13 leaves most of a word empty. */
const shapes = [
  [70, 128],
  [33, 172],
  [96, 44],
  [9, 13],
] as const;

/** Norms and factors of all but the first two rows, written from the fourth element on. */
async function scalesOf(gpu: Gpu, weight: Weight, values: Float32Array, rank: number) {
  const { rows, cols } = weight;
  const [a, b] = [randomArray(5, rank * cols, 0.3), randomArray(6, rows * rank, 0.3)];
  const magnitudes = randomArray(7, rows);
  const scale = 1.7;
  const count = rows - 2;
  const norms = tensorOf(gpu, new Float32Array(count + 4).fill(-1), [count + 4]);
  const factors = tensorOf(gpu, new Float32Array(count + 4).fill(-1), [count + 4]);
  const own = {
    a: tensorOf(gpu, a, [rank, cols]),
    b: tensorOf(gpu, b, [rows, rank]),
    magnitudes: tensorOf(gpu, magnitudes, [rows]),
  };
  const at = { chunk: weight.chunks[0]!, wRow: 2, rows: count, row: 2, out: 3 };
  submit(gpu, (commands) => doraScales(commands, { ...own, ...at, scale, norms, factors }));
  const layer = { x: [], w: values, a, b, scale, rows: 0, inFeatures: cols, outFeatures: rows, rank };
  const expected = doraNormsRef(layer).subarray(2);
  return {
    norms: await readFloats(gpu, norms),
    factors: await readFloats(gpu, factors),
    expectedNorms: [-1, -1, -1, ...expected, -1],
    expectedFactors: [-1, -1, -1, ...expected.map((norm, i) => magnitudes[2 + i]! / norm), -1],
  };
}

describe('doraScales', () => {
  it.each(['f32', 'f16', 'bf16'] as const)('matches plain loops for weights in %s', async (format) => {
    const gpu = await testGpu();
    for (const [rows, cols] of shapes) {
      const values = asStored(randomArray(1, rows * cols), format);
      const found = await scalesOf(gpu, weightOf(gpu, values, [rows, cols], format), values, 5);
      expectClose(found.norms, found.expectedNorms, close);
      expectClose(found.factors, found.expectedFactors, close);
    }
  });

  it.each(quantizedCases)('matches plain loops for weights in %s', async (kind) => {
    const gpu = await testGpu();
    for (const [rows, cols] of shapes) {
      const { weight, values } = quantizedWeight(gpu, kind, [rows, cols]);
      const found = await scalesOf(gpu, weight, values, 3);
      expectClose(found.norms, found.expectedNorms, close);
      expectClose(found.factors, found.expectedFactors, close);
    }
  });
});

const layerOf = (rows: number, inFeatures: number, outFeatures: number, rank: number): DoraLinearRef => ({
  x: randomArray(1, rows * inFeatures),
  w: randomArray(2, outFeatures * inFeatures),
  a: randomArray(3, rank * inFeatures),
  b: randomArray(4, outFeatures * rank),
  magnitudes: randomArray(5, outFeatures),
  scale: 0.7,
  rows,
  inFeatures,
  outFeatures,
  rank,
});

describe.each([
  [1, 1],
  [3, 63],
  [17, 130],
] as const)('of %i tokens and %i outputs', (rows, columns) => {
  const layer = layerOf(rows, 9, columns, 2);
  const z = Float32Array.from(loraLinearRef(layer));
  const norms = Float32Array.from(doraNormsRef(layer));
  const factors = norms.map((norm, n) => layer.magnitudes[n]! / norm);
  const bias = randomArray(8, columns);
  const before = randomArray(9, rows * columns);

  it.for(['f32', 'f16'] as const)('doraOutput matches plain loops in %s', async (type, context) => {
    const gpu = await testGpu();
    if (type === 'f16') needF16(context, gpu);
    const output = doraLinearRef(layer);
    for (const [hasBias, accumulate] of [
      [false, false],
      [true, false],
      [true, true],
    ]) {
      const y = tensorOf(gpu, before, [rows, columns], type);
      const of = {
        z: tensorOf(gpu, z, [rows, columns]),
        factors: tensorOf(gpu, factors, [columns]),
        bias: hasBias ? tensorOf(gpu, bias, [columns]) : null,
      };
      submit(gpu, (commands) =>
        doraOutput(commands, { ...of, y, rows, columns, accumulate: accumulate === true }),
      );
      const start = asStored(before, type);
      const expected = output.map(
        (value, i) => value + (hasBias ? bias[i % columns]! : 0) + (accumulate ? start[i]! : 0),
      );
      expectClose(await readFloats(gpu, y), expected, toleranceOf(type, close));
    }
  });

  it('doraBackward matches plain loops', async () => {
    const gpu = await testGpu();
    const dy = randomArray(10, rows * columns);
    const dz = zeros(gpu, [rows, columns]);
    const stored = tensorOf(gpu, z, [rows, columns]);
    const of = {
      dy: tensorOf(gpu, dy, [rows, columns]),
      z: stored,
      factors: tensorOf(gpu, factors, [columns]),
      norms: tensorOf(gpu, norms, [columns]),
    };
    submit(gpu, (commands) => doraBackward(commands, { ...of, dz, rows, columns }));
    expectClose(
      await readFloats(gpu, dz),
      dy.map((value, i) => factors[i % columns]! * value),
      close,
    );
    const terms = await readFloats(gpu, stored);
    const sums = Float64Array.from({ length: columns }, (_, n) => {
      let sum = 0;
      for (let t = 0; t < rows; t++) sum += terms[t * columns + n]!;
      return sum;
    });
    expectClose(sums, doraLinearBackwardRef(dy, layer).dMagnitudes, { atol: 2e-5, rtol: 2e-5 });
  });
});

describe('the reference of DoRA', () => {
  const layer = layerOf(4, 5, 6, 2);
  const dy = randomArray(11, 4 * 6);
  const norms = doraNormsRef(layer);
  const gradients = doraLinearBackwardRef(dy, layer);
  /** Σ dy · y with the norms of the layer as it is: what the gradients are of. */
  const objective = (changes: Partial<DoraLinearRef>) => {
    const changed = { ...layer, ...changes };
    const z = loraLinearRef(changed);
    return z.reduce(
      (sum, value, i) => sum + ((dy[i]! * changed.magnitudes[i % 6]!) / norms[i % 6]!) * value,
      0,
    );
  };

  it.each([
    ['x', 'dX'],
    ['a', 'dA'],
    ['b', 'dB'],
    ['magnitudes', 'dMagnitudes'],
  ] as const)('has the slope of its output over %s, with norms as constants', (name, gradient) => {
    for (let i = 0; i < layer[name].length; i++) {
      const slope = finiteDifference((values) => objective({ [name]: values }), layer[name], i);
      expect(gradients[gradient][i]).toBeCloseTo(slope, 6);
    }
  });
});
