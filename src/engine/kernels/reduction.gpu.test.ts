import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import type { KernelKind } from '../gpu/kernelKind.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit, weightOf } from '../../testing/kernels.ts';
import { needAnySubgroups } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { gradNormRef } from './adamW.ref.ts';
import { crossEntropyBackward, logSumExp, LOSS_STATE } from './crossEntropy.ts';
import { crossEntropyRef } from './crossEntropy.ref.ts';
import { gemv } from './gemv.ts';
import { gradNorm } from './gradNorm.ts';
import { matmulRef } from './matmul.ref.ts';
import { reductionOf } from './reduction.ts';
import { rmsNorm, rmsNormBackward } from './rmsNorm.ts';
import { rmsNormBackwardRef, rmsNormRef } from './rmsNorm.ref.ts';
import { ONE_STAGE_SUM, PARTIALS, sumInto } from './sum.ts';

it('reduces in subgroups on GPUs alone', () => {
  const gpu = { kernelKind: 'gpu', hasSubgroups: true } as const;
  expect(reductionOf(gpu, 64)).toEqual({ WG: 64, SUM_IN_SUBGROUPS: true, MAX_IN_SUBGROUPS: true });
  expect(reductionOf(gpu, 64, 'maxima')).toEqual({ WG: 64, MAX_IN_SUBGROUPS: true });
  expect(reductionOf({ ...gpu, hasSubgroups: false }, 64)).toEqual({ WG: 64 });
  expect(reductionOf({ ...gpu, kernelKind: 'vectors' }, 64)).toEqual({ WG: 64 });
});

/** Subgroups here have 4, 8 or 16 threads: workgroups of 64 and 256 have many of them. */
describe.each([1, 3, 63, 64, 65, 257, 896])('reductions in subgroups over %i elements', (width) => {
  const rows = 3;
  let gpu: Gpu;
  let kind: KernelKind;

  beforeEach(async (context) => {
    gpu = await testGpu();
    kind = gpu.kernelKind;
    needAnySubgroups(context, gpu);
    gpu.kernelKind = 'gpu';
  });
  afterEach(() => {
    gpu.kernelKind = kind;
  });

  it('norms rows, and takes their gradients', async () => {
    const [x, weight, dy] = [
      randomArray(1, rows * width),
      randomArray(2, width),
      randomArray(3, rows * width),
    ];
    const inputs = { x: tensorOf(gpu, x, [rows, width]), weight: tensorOf(gpu, weight, [width]) };
    const [y, dx] = [zeros(gpu, [rows, width]), zeros(gpu, [rows, width])];
    const rstd = zeros(gpu, [rows]);
    const back = { ...inputs, rstd, dy: tensorOf(gpu, dy, [rows, width]), dx, rows, accumulate: false };
    submit(gpu, (commands) => {
      rmsNorm(commands, { ...inputs, y, rstd, rows, eps: 1e-6 });
      rmsNormBackward(commands, back);
    });
    const expected = rmsNormRef(x, weight, rows, 1e-6);
    expectClose(await readFloats(gpu, y), expected.y, { atol: 1e-6, rtol: 1e-5 });
    const gradient = rmsNormBackwardRef(dy, x, weight, rows, 1e-6);
    expectClose(await readFloats(gpu, dx), gradient, { atol: 2e-5, rtol: 1e-5 });
  });

  it('sums exponentials of rows of logits', async () => {
    const logits = randomArray(4, rows * width, 30);
    const targets = Uint32Array.from({ length: rows }, (_, t) => (7 * t) % width);
    const losses = zeros(gpu, [rows]);
    const tensors = {
      logits: tensorOf(gpu, logits, [rows, width]),
      targets: tensorOf(gpu, targets, [rows]),
      state: zeros(gpu, [rows, LOSS_STATE]),
    };
    const whole = { rows, first: 0, width, offset: 0, part: width };
    submit(gpu, (commands) => logSumExp(commands, { ...tensors, ...whole, losses }));
    const expected = crossEntropyRef(logits, targets, width, 1);
    expectClose(await readFloats(gpu, losses), expected.losses, { atol: 1e-5, rtol: 1e-5 });
  });

  it('gives the loss and its gradient the same bits in one dispatch as in two', async () => {
    const logits = randomArray(8, rows * width, 6);
    const run = async (fused: boolean) => {
      const tensors = {
        logits: tensorOf(gpu, logits, [rows, width]),
        targets: zeros(gpu, [rows], 'u32'),
        state: zeros(gpu, [rows, LOSS_STATE]),
      };
      const columns = { ...tensors, rows, first: 0, width, offset: 0 };
      const gradientScale = fused ? 0.25 : undefined;
      submit(gpu, (commands) => {
        logSumExp(commands, { ...columns, losses: zeros(gpu, [rows]), part: width, gradientScale });
        if (!fused) crossEntropyBackward(commands, { ...columns, scale: 0.25 });
      });
      return [await readFloats(gpu, tensors.state), await readFloats(gpu, tensors.logits)];
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it('multiplies a row by a matrix', async () => {
    const [values, x] = [randomArray(5, 6 * width), randomArray(6, width)];
    const w = weightOf(gpu, values, [6, width], 'f32').chunks[0]!;
    const y = zeros(gpu, [6]);
    submit(gpu, (commands) => gemv(commands, { x: tensorOf(gpu, x, [width]), w, n: 6, y }));
    expectClose(await readFloats(gpu, y), matmulRef('NT', x, values, 1, 6, width), {
      atol: 1e-5,
      rtol: 1e-5,
    });
  });

  it('sums gradients and losses, the same each time', async () => {
    const many = ONE_STAGE_SUM + width;
    const values = randomArray(7, many);
    const [x, partials] = [tensorOf(gpu, values, [many]), zeros(gpu, [PARTIALS])];
    const stats = zeros(gpu, [4]);
    submit(gpu, (commands) => {
      gradNorm(commands, { grads: [x], partials, stats, index: 0 });
      for (const index of [1, 2])
        sumInto(commands, { x, count: many, stats, index, accumulate: false, partials });
      sumInto(commands, { x, count: width, stats, index: 3, accumulate: false });
    });
    const sum = (part: Float32Array) => part.reduce((total, value) => total + value, 0);
    const [norm, long, again, short] = await readFloats(gpu, stats);
    expectClose([norm!], [gradNormRef(values)], { rtol: 1e-5 });
    expectClose([long!, short!], [sum(values), sum(values.subarray(0, width))], { atol: 2e-3, rtol: 1e-5 });
    expect(again).toBe(long);
  });
});
