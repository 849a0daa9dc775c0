import { expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { outputGate, outputGateBackward } from './outputGate.ts';
import { outputGateBackwardRef, outputGateRef } from './outputGate.ref.ts';

const close = { atol: 1e-6, rtol: 1e-5 };

it.each([
  [1, 1, 2],
  [5, 6, 24],
])('is the reference forward and backward: %i tokens, %i heads of %i', async (rows, heads, headDim) => {
  const gpu = await testGpu();
  const width = heads * headDim;
  const [o, gate, dy] = [1, 2, 3].map((seed) => randomArray(seed, rows * width, 3));
  // A query before each gate, and keys and values behind all.
  const stride = 2 * width + 4;
  const placeOf = (i: number) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row * stride + (2 * Math.floor(column / headDim) + 1) * headDim + (column % headDim);
  };
  const raw = new Float32Array(rows * stride).fill(9);
  gate!.forEach((value, i) => (raw[placeOf(i)] = value));
  const shape = {
    rows,
    heads,
    headDim,
    o: tensorOf(gpu, o!, [rows, width]),
    raw: tensorOf(gpu, raw, [rows, stride]),
    stride,
  };
  const y = zeros(gpu, [rows, width]);
  const d = tensorOf(gpu, dy!, [rows, width]);
  const dRaw = tensorOf(gpu, new Float32Array(rows * stride).fill(9), [rows, stride]);
  submit(gpu, (commands) => {
    outputGate(commands, { ...shape, y });
    outputGateBackward(commands, { ...shape, d, dRaw });
  });
  expectClose(await readFloats(gpu, y), outputGateRef(o!, gate!), close);
  const exact = outputGateBackwardRef(o!, gate!, dy!);
  expectClose(await readFloats(gpu, d), exact.dO, close);
  const all = await readFloats(gpu, dRaw);
  expectClose(
    o!.map((_, i) => all[placeOf(i)]!),
    exact.dGate,
    close,
  );
  expect(all.filter((value) => value === 9).length).toBe(rows * (stride - width));
});

it('has a reference whose gradient matches finite differences', () => {
  const [o, gate, dy] = [1, 2, 3].map((seed) => randomArray(seed, 5, 2));
  const loss = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    outputGateRef(a, b).reduce((sum, value, i) => sum + value * dy![i]!, 0);
  const { dO, dGate } = outputGateBackwardRef(o!, gate!, dy!);
  for (let i = 0; i < 5; i++) {
    expect(dO[i]).toBeCloseTo(
      finiteDifference((x) => loss(x, gate!), o!, i),
      5,
    );
    expect(dGate[i]).toBeCloseTo(
      finiteDifference((x) => loss(o!, x), gate!, i),
      5,
    );
  }
});
