import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray, randomIntegers } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf } from '../../testing/tensors.ts';
import { crossEntropyBackward, logSumExp, LOSS_STATE } from './crossEntropy.ts';
import { crossEntropyRef } from './crossEntropy.ref.ts';

const OFFSET = 2;
const PADDING = -7;

/** Runs the kernel on logits padded to `stride` and returns the unpadded results, checking the padding. */
async function run(
  logits: Float32Array,
  targets: Uint32Array,
  {
    vocab,
    stride = vocab,
    scale = 1,
    backward = true,
    threads,
    part = vocab,
    fused = false,
    weights = null,
  }: {
    vocab: number;
    stride?: number;
    scale?: number;
    backward?: boolean;
    threads?: number;
    part?: number;
    fused?: boolean;
    weights?: Float32Array<ArrayBuffer> | null;
  },
) {
  const gpu = await testGpu();
  const rows = targets.length;
  const padded = new Float32Array(rows * stride).fill(PADDING);
  for (let t = 0; t < rows; t++) padded.set(logits.subarray(t * vocab, (t + 1) * vocab), t * stride);
  const tensors = {
    logits: tensorOf(gpu, padded, [rows, stride]),
    targets: tensorOf(gpu, targets, [rows]),
    losses: tensorOf(gpu, new Float32Array(rows + OFFSET + 1).fill(PADDING), [rows + OFFSET + 1]),
  };
  const states = (rows + OFFSET + 1) * LOSS_STATE;
  const state = tensorOf(gpu, new Float32Array(states).fill(PADDING), [states]);
  const { logits: all, targets: labels, losses: out } = tensors;
  const each = { targets: labels, weights: weights && tensorOf(gpu, weights, [rows]) };
  const columns = { logits: all, ...each, state, rows, first: 0, width: vocab, threads };
  submit(gpu, (commands) => {
    const gradientScale = fused ? scale : undefined;
    logSumExp(commands, { ...columns, losses: out, part, offset: OFFSET, gradientScale });
    if (backward && !fused) crossEntropyBackward(commands, { ...columns, offset: OFFSET, scale });
  });
  const losses = await readFloats(gpu, tensors.losses);
  expect([...losses.slice(0, OFFSET), losses[rows + OFFSET]]).toEqual([PADDING, PADDING, PADDING]);
  const written = await readFloats(gpu, tensors.logits);
  const result = new Float32Array(rows * vocab);
  for (let t = 0; t < rows; t++) {
    result.set(written.subarray(t * stride, t * stride + vocab), t * vocab);
    expect(written.slice(t * stride + vocab, (t + 1) * stride).every((v) => v === PADDING)).toBe(true);
  }
  return { losses: losses.slice(OFFSET, OFFSET + rows), logits: result };
}

function targetsOf(rows: number, vocab: number): Uint32Array<ArrayBuffer> {
  const next = randomIntegers(9);
  return Uint32Array.from({ length: rows }, (_, t) => (t === 0 ? vocab - 1 : next() % vocab));
}

/** Zero, tiny, below 1, and above 1. */
function weightsOf(rows: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rows }, (_, t) => [0, 1e-6, 0.3, 2.5, 1, 1000][t % 6]!);
}

describe.each([
  // rows, vocab, stride
  [3, 1, 1],
  [5, 7, 7],
  [4, 63, 65],
  [3, 512, 512],
  [2, 50_257, 50_260],
] as const)('cross-entropy of %i x %i in rows of %i', (rows, vocab, stride) => {
  it.each([32, 256])('losses and gradient match the reference with %i threads', async (threads) => {
    const logits = randomArray(1, rows * vocab, 6);
    const targets = targetsOf(rows, vocab);
    const result = await run(logits, targets, { vocab, stride, scale: 0.25, threads });
    const expected = crossEntropyRef(logits, targets, vocab, 0.25);
    expectClose(result.losses, expected.losses, { atol: 2e-6, rtol: 1e-6 });
    expectClose(result.logits, expected.dLogits, { atol: 1e-7, rtol: 2e-5 });
  });

  it('gives the same bits in one dispatch as in two', async () => {
    const logits = randomArray(1, rows * vocab, 6);
    const targets = targetsOf(rows, vocab);
    const options = { vocab, stride, scale: 0.25, part: Math.ceil(vocab / 2) };
    expect(await run(logits, targets, { ...options, fused: true })).toEqual(
      await run(logits, targets, options),
    );
  });

  it.each([
    [32, false],
    [256, false],
    [64, true],
  ])(
    'weights losses and gradient like the reference, %i threads, in one dispatch: %s',
    async (threads, fused) => {
      const logits = randomArray(1, rows * vocab, 6);
      const targets = targetsOf(rows, vocab);
      const weights = weightsOf(rows);
      const result = await run(logits, targets, { vocab, stride, scale: 0.25, threads, fused, weights });
      const expected = crossEntropyRef(logits, targets, vocab, 0.25, weights);
      for (let t = 0; t < rows; t++) {
        const weight = weights[t]!;
        const close = (
          values: Float32Array,
          reference: Float64Array,
          atol: number,
          rtol: number,
          of: number,
        ) =>
          expectClose(values.slice(t * of, (t + 1) * of), reference.slice(t * of, (t + 1) * of), {
            atol: atol * weight,
            rtol,
          });
        close(result.losses, expected.losses, 2e-6, 1e-6, 1);
        close(result.logits, expected.dLogits, 1e-7, 2e-5, vocab);
        if (weight === 0)
          expect(result.logits.slice(t * vocab, (t + 1) * vocab).every((v) => v === 0)).toBe(true);
      }
    },
  );

  it('with weights of 1 gives the same bits as without weights', async () => {
    const logits = randomArray(1, rows * vocab, 6);
    const targets = targetsOf(rows, vocab);
    const weights = new Float32Array(rows).fill(1);
    for (const fused of [false, true]) {
      const options = { vocab, stride, scale: 1 / 7, part: Math.ceil(vocab / 2), fused };
      expect(await run(logits, targets, { ...options, weights })).toEqual(
        await run(logits, targets, options),
      );
    }
  });

  it('leaves the logits alone without a backward pass', async () => {
    const logits = randomArray(2, rows * vocab, 6);
    const targets = targetsOf(rows, vocab);
    const result = await run(logits, targets, { vocab, stride, backward: false });
    expectClose(result.losses, crossEntropyRef(logits, targets, vocab, 1).losses, { atol: 2e-6, rtol: 1e-6 });
    expectClose(result.logits, logits);
  });
});

describe('cross-entropy of logits in column ranges', () => {
  const [rows, vocab] = [5, 1000];
  const logits = randomArray(4, rows * vocab, 6);
  const targets = Uint32Array.of(0, 255, 256, 999, 512);

  it.each([
    [64, null],
    [256, null],
    [300, null],
    [300, Float32Array.of(0, 0.3, 1, 2.5, 1e-6)],
  ])('of %i columns gives the same bits as all at once, weights %o', async (part, weights) => {
    const gpu = await testGpu();
    const whole = await run(logits, targets, { vocab, part, scale: 0.5, weights });
    const expected = crossEntropyRef(logits, targets, vocab, 0.5, weights);
    expectClose(whole.losses, expected.losses, { atol: 2e-6, rtol: 1e-6 });
    expectClose(whole.logits, expected.dLogits, { atol: 1e-7, rtol: 2e-5 });

    const losses = tensorOf(gpu, new Float32Array(rows), [rows]);
    const state = tensorOf(gpu, new Float32Array(rows * LOSS_STATE), [rows, LOSS_STATE]);
    const labels = tensorOf(gpu, targets, [rows]);
    const parts = Array.from({ length: Math.ceil(vocab / part) }, (_, i) => {
      const [first, width] = [i * part, Math.min(part, vocab - i * part)];
      const values = Float32Array.from({ length: rows * part }, (__, at) => {
        const [row, column] = [Math.floor(at / part), at % part];
        return column < width ? logits[row * vocab + first + column]! : PADDING;
      });
      return { first, width, logits: tensorOf(gpu, values, [rows, part]) };
    });
    const each = { targets: labels, weights: weights && tensorOf(gpu, weights, [rows]) };
    const common = { ...each, state, rows, offset: 0 };
    submit(gpu, (commands) => {
      for (const columns of parts) logSumExp(commands, { ...common, ...columns, losses, part });
      for (const columns of parts) crossEntropyBackward(commands, { ...common, ...columns, scale: 0.5 });
    });
    expect(await readFloats(gpu, losses)).toEqual(whole.losses);
    for (const { first, width, logits: tensor } of parts) {
      const gradient = await readFloats(gpu, tensor);
      for (let row = 0; row < rows; row++) {
        const expectedPart = whole.logits.slice(row * vocab + first, row * vocab + first + width);
        expect(gradient.slice(row * part, row * part + width)).toEqual(expectedPart);
      }
    }
  });
});

describe('cross-entropy of huge logits', () => {
  it.each([
    ['one far above', [1e4, 0, -1e4, 3]],
    ['all far below', [-1e4, -1e4, -1e4, -1e4]],
    ['all far above', [1e4, 1e4 - 1, 1e4 - 2, 1e4]],
    ['the ends of f32', [3e38, -3e38, 0, 1]],
  ])('is exact: %s', async (_name, row) => {
    const logits = Float32Array.from([...row, ...row, ...row, ...row]);
    const targets = Uint32Array.of(0, 1, 2, 3);
    const result = await run(logits, targets, { vocab: 4 });
    // A loss beyond f32 becomes infinite.
    const expected = crossEntropyRef(logits, targets, 4, 1);
    expectClose(result.losses, Float32Array.from(expected.losses), { atol: 1e-6, rtol: 1e-6 });
    expectClose(result.logits, expected.dLogits, { atol: 1e-6 });
  });
});

it.each([null, [2.5, 0, 0.3]])('the reference gradient matches finite differences, weights %j', (weights) => {
  const logits = randomArray(3, 15, 3);
  const targets = Uint32Array.of(4, 0, 2);
  const { dLogits } = crossEntropyRef(logits, targets, 5, 0.5, weights);
  const loss = (at: ArrayLike<number>) =>
    crossEntropyRef(at, targets, 5, 0.5, weights).losses.reduce((s, v) => s + 0.5 * v, 0);
  for (let i = 0; i < 15; i++) expect(dLogits[i]).toBeCloseTo(finiteDifference(loss, logits, i), 7);
});
