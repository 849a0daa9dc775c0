import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { adamW, type AdamWStep } from './adamW.ts';
import { adamWRef } from './adamW.ref.ts';
import { gradNorm } from './gradNorm.ts';
import { PARTIALS } from './sum.ts';

const normIndex = 1;
const skippedIndex = 3;
const settings: Omit<AdamWStep, 'step'> = {
  lr: 1e-2,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/** An optimizer over `count` parameters, with its GPU buffers and the reference's state. */
async function optimizer(count: number) {
  const gpu = await testGpu();
  const start = randomArray(1, count);
  const reference = {
    params: Float64Array.from(start),
    m: new Float64Array(count),
    v: new Float64Array(count),
  };
  const params = tensorOf(gpu, start, [count]);
  const m = zeros(gpu, [count]);
  const v = zeros(gpu, [count]);
  const stats = zeros(gpu, [4]);
  const partials = zeros(gpu, [PARTIALS]);
  const step = (values: Float32Array, options: AdamWStep) => {
    const grads = tensorOf(gpu, values, [count]);
    submit(gpu, (commands) => {
      gradNorm(commands, { grads: [grads], partials, stats, index: normIndex });
      adamW(commands, { params, grads, m, v, stats, normIndex, skippedIndex, count, ...options });
    });
  };
  const read = async () => ({
    params: await readFloats(gpu, params),
    m: await readFloats(gpu, m),
    v: await readFloats(gpu, v),
    skipped: (await readFloats(gpu, stats))[skippedIndex],
  });
  return { reference, step, read };
}

describe.each([
  ['the defaults of Hugging Face', settings],
  ["Qwen's betas and decay", { ...settings, beta2: 0.95, weightDecay: 0.1, lr: 3e-4 }],
  ['no clipping and no decay', { ...settings, maxGradNorm: 0, weightDecay: 0 }],
  ['a large eps', { ...settings, eps: 1e-3 }],
] as const)('AdamW with %s', (_name, options) => {
  it.each([1, 256, 1003])('follows the f64 reference for 20 steps over %i parameters', async (count) => {
    const { reference, step, read } = await optimizer(count);
    for (let n = 1; n <= 20; n++) {
      // Norms on both sides of the clipping threshold, and one gradient that is always zero.
      const grads = randomArray(100 + n, count, n % 2 ? 3 : 0.001);
      if (count > 1) grads[1] = 0;
      step(grads, { ...options, step: n });
      adamWRef(reference, grads, { ...options, step: n });
    }
    const result = await read();
    expectClose(result.params, reference.params, { atol: 20 * options.lr * 2e-6, rtol: 2e-6 });
    expectClose(result.m, reference.m, { atol: 1e-7, rtol: 1e-5 });
    expectClose(result.v, reference.v, { atol: 1e-12, rtol: 1e-5 });
    expect(result.skipped).toBe(0);
  });
});

describe('AdamW skips a step', () => {
  it.each([
    ['NaN', NaN, settings],
    ['Infinity', Infinity, settings],
    ['a gradient whose square overflows', 1e25, { ...settings, maxGradNorm: 0 }],
  ])('with %s among the gradients', async (_name, broken, options) => {
    const { step, read } = await optimizer(700);
    step(randomArray(7, 700), { ...options, step: 1 });
    const before = await read();
    expect(before.skipped).toBe(0);
    const grads = randomArray(8, 700);
    grads[650] = broken;
    step(grads, { ...options, step: 2 });
    expect(await read()).toEqual({ ...before, skipped: 1 });
    step(randomArray(9, 700), { ...options, step: 2 });
    const after = await read();
    expect(after.skipped).toBe(0);
    expect(after.params).not.toEqual(before.params);
  });

  it('but not for a large gradient that clipping scales down', async () => {
    const { reference, step, read } = await optimizer(5);
    const grads = Float32Array.of(1e25, -1e25, 1, 0, 5e24);
    step(grads, { ...settings, step: 1 });
    adamWRef(reference, grads, { ...settings, step: 1 });
    const result = await read();
    expect(result.skipped).toBe(0);
    expectClose(result.m, reference.m, { atol: 1e-7, rtol: 1e-5 });
  });
});

it('the AdamW reference takes the same first step as torch.optim.AdamW', () => {
  // The first step moves by lr · sign(gradient) (up to eps) after the decay, whatever the gradient's size.
  const state = {
    params: Float64Array.of(1, -2),
    m: new Float64Array(2),
    v: new Float64Array(2),
  };
  adamWRef(state, [0.5, -1e-3], { ...settings, maxGradNorm: 0, step: 1 });
  expectClose(state.params, [1 - 1e-4 - 1e-2, -2 + 2e-4 + 1e-2], { atol: 2e-7 });
  expectClose(state.m, [0.05, -1e-4], { rtol: 1e-12 });
  expectClose(state.v, [2.5e-4, 1e-9], { rtol: 1e-12 });
});
