import { expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { gatedRmsNorm, gatedRmsNormBackward } from './gatedRmsNorm.ts';
import { gatedRmsNormBackwardRef, gatedRmsNormRef } from './gatedRmsNorm.ref.ts';

const close = { atol: 3e-6, rtol: 1e-5 };
const eps = 1e-5;

it.each([
  [1, 1, 1],
  [5, 3, 20],
  [3, 2, 130],
])('is the reference forward and backward: %i tokens, %i heads of %i', async (rows, heads, headDim) => {
  const gpu = await testGpu();
  const width = heads * headDim;
  const [x, z, dy] = [1, 2, 3].map((seed) => randomArray(seed, rows * width, 3));
  const weight = randomArray(4, headDim);
  // z is among columns of others.
  const stride = width + 3;
  const wide = new Float32Array(rows * stride).fill(9);
  for (let t = 0; t < rows; t++) wide.set(z!.subarray(t * width, (t + 1) * width), t * stride + 2);
  const norm = {
    rows,
    heads,
    headDim,
    x: tensorOf(gpu, x!, [rows, width]),
    projected: tensorOf(gpu, wide, [rows, stride]),
    stride,
    start: 2,
    weight: tensorOf(gpu, weight, [headDim]),
    eps,
  };
  const [y, dx] = [zeros(gpu, [rows, width]), zeros(gpu, [rows, width])];
  const dProjected = tensorOf(gpu, new Float32Array(rows * stride).fill(9), [rows, stride]);
  const dWeight = zeros(gpu, [rows, headDim]);
  submit(gpu, (commands) => {
    gatedRmsNorm(commands, { ...norm, y });
    gatedRmsNormBackward(commands, {
      ...norm,
      dy: tensorOf(gpu, dy!, [rows, width]),
      dx,
      dProjected,
      dWeight,
    });
  });
  expectClose(await readFloats(gpu, y), gatedRmsNormRef(x!, z!, weight, eps), close);
  const exact = gatedRmsNormBackwardRef(x!, z!, weight, eps, dy!);
  expectClose(await readFloats(gpu, dx), exact.dx, { ...close, atol: 2e-5 });
  const all = await readFloats(gpu, dProjected);
  const dz = x!.map((_, i) => all[Math.floor(i / width) * stride + 2 + (i % width)]!);
  expectClose(dz, exact.dz, close);
  expect([all[0], all[1], all[stride - 1]]).toEqual([9, 9, 9]);
  const perToken = await readFloats(gpu, dWeight);
  const summed = weight.map((_, d) => perToken.reduce((sum, v, i) => sum + (i % headDim === d ? v : 0), 0));
  expectClose(summed, exact.dWeight, { ...close, atol: 1e-5 });
});

it('has a reference whose gradient matches finite differences', () => {
  const inputs = { x: randomArray(1, 6, 2), z: randomArray(2, 6, 2), weight: randomArray(3, 3) };
  const dy = randomArray(4, 6);
  const loss = ({ x, z, weight }: Record<keyof typeof inputs, ArrayLike<number>>) =>
    gatedRmsNormRef(x, z, weight, eps).reduce((sum, v, i) => sum + v * dy[i]!, 0);
  const { dx, dz, dWeight } = gatedRmsNormBackwardRef(inputs.x, inputs.z, inputs.weight, eps, dy);
  for (const [name, gradient] of [
    ['x', dx],
    ['z', dz],
    ['weight', dWeight],
  ] as const) {
    gradient.forEach((value, i) => {
      const difference = finiteDifference((v) => loss({ ...inputs, [name]: v }), inputs[name], i);
      expect(value).toBeCloseTo(difference, 5);
    });
  }
});
