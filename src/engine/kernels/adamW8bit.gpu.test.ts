import { describe, expect, it } from 'vitest';
import { adam8bitOnGpu, expectCodes, expectMoved, maps } from '../../testing/adam8bit.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import type { AdamWStep } from './adamW.ts';
import { adamWRef, gradNormRef } from './adamW.ref.ts';
import { adamW8bitRef, expand } from './adamW8bit.ref.ts';

const settings: Omit<AdamWStep, 'step'> = {
  lr: 1e-2,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

describe.each([
  ['the defaults of Hugging Face', settings],
  ["Qwen's betas and decay", { ...settings, beta2: 0.95, weightDecay: 0.1, lr: 3e-4 }],
  ['no clipping and no decay', { ...settings, maxGradNorm: 0, weightDecay: 0 }],
  ['a large eps', { ...settings, eps: 1e-3 }],
] as const)('8-bit AdamW with %s', (_name, options) => {
  it.each([[[1]], [[255]], [[256]], [[257]], [[1003, 3, 512, 257]]])(
    'matches each of 12 steps of the f64 reference over matrices of %j elements',
    async (sizes) => {
      const { step, read } = await adam8bitOnGpu(sizes);
      for (let n = 1; n <= 12; n++) {
        const before = await read();
        // Magnitudes over five decades per block, norms on both sides of the threshold, and zeros.
        const grads = sizes.map((size, i) => {
          const values = randomArray(100 * n + i, size, n % 2 ? 3 : 0.001);
          return values.map((g, k) => (k % 7 === 1 ? 0 : g * 10 ** -(k % 6)));
        });
        const norm = gradNormRef(grads.flatMap((part) => [...part]));
        step(grads, { ...options, step: n });
        const after = await read();
        expect(after.skipped).toBe(0);
        expect(after.gaps.every((x) => x === 0)).toBe(true);
        before.matrices.forEach((matrix, i) => {
          const params = Float64Array.from(matrix.params);
          const expected = structuredClone(matrix.state);
          const exact = adamW8bitRef(params, expected, grads[i]!, maps, { ...options, step: n }, norm);
          const actual = after.matrices[i]!;
          expectMoved(actual.params, params, matrix.params);
          expectClose(actual.state.mAbsmax, expected.mAbsmax, { rtol: 2e-6 });
          expectClose(actual.state.vAbsmax, expected.vAbsmax, { rtol: 4e-6 });
          expectCodes(actual.state.mCodes, expected.mCodes, exact.m, expected.mAbsmax, maps.signed);
          expectCodes(actual.state.vCodes, expected.vCodes, exact.v, expected.vAbsmax, maps.unsigned);
        });
      }
    },
  );
});

describe('8-bit AdamW', () => {
  it('leaves parameters with zero gradients and states alone, and decays m and v of others', async () => {
    const { step, read } = await adam8bitOnGpu([300]);
    const start = (await read()).matrices[0]!.params;
    const still = { ...settings, weightDecay: 0 };
    const nothing = [new Float32Array(300)];
    step(nothing, { ...still, step: 1 });
    const { params, state } = (await read()).matrices[0]!;
    expect(params).toEqual(start);
    expect([...state.mAbsmax, ...state.vAbsmax]).toEqual([0, 0, 0, 0]);
    expect(new Set(state.mCodes)).toEqual(new Set([maps.signed.indexOf(0)]));
    expect(new Set(state.vCodes)).toEqual(new Set([0]));
    step([randomArray(3, 300)], { ...still, step: 2 });
    const moved = (await read()).matrices[0]!.state;
    step(nothing, { ...still, step: 3 });
    const faded = (await read()).matrices[0]!.state;
    expectClose(
      expand(faded.mCodes, faded.mAbsmax, maps.signed),
      expand(moved.mCodes, moved.mAbsmax, maps.signed).map((x) => 0.9 * x),
      { atol: 1e-6, rtol: 0.05 },
    );
    // The largest v is stored exactly, so that the others keep their ratio to it; −1 is not in the signed map.
    expectClose(
      faded.vAbsmax,
      moved.vAbsmax.map((x) => 0.999 * x),
      { rtol: 1e-6 },
    );
    expect(faded.vCodes).toEqual(moved.vCodes);
  });

  it('keeps the sign of a negative m that is nearest to 0, as bitsandbytes does', async () => {
    const { step, read } = await adam8bitOnGpu([4]);
    step([[1, -1e-7, 1e-7, 0]], { ...settings, maxGradNorm: 0, step: 1 });
    const zero = maps.signed.indexOf(0);
    expect([...(await read()).matrices[0]!.state.mCodes]).toEqual([255, zero - 1, zero, zero]);
  });

  it('stores zeros for gradients whose squares underflow f32', async () => {
    const { step, read } = await adam8bitOnGpu([4]);
    step([[1e-20, -1e-20, 1e-25, 0]], { ...settings, step: 1 });
    const { params, state } = (await read()).matrices[0]!;
    expect(params.every(Number.isFinite)).toBe(true);
    expect(state.vAbsmax[0]).toBe(0);
    expect([...state.vCodes]).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['NaN', NaN, settings],
    ['Infinity', Infinity, settings],
    ['a gradient whose square overflows', 1e25, { ...settings, maxGradNorm: 0 }],
  ])('skips a step with %s among the gradients', async (_name, broken, options) => {
    const { step, read } = await adam8bitOnGpu([700, 257]);
    const grads = (seed: number) => [randomArray(seed, 700), randomArray(seed + 1, 257)];
    step(grads(7), { ...options, step: 1 });
    const before = await read();
    expect(before.skipped).toBe(0);
    const bad = grads(9);
    bad[1]![256] = broken;
    step(bad, { ...options, step: 2 });
    expect(await read()).toEqual({ ...before, skipped: 1 });
    step(grads(11), { ...options, step: 2 });
    const after = await read();
    expect(after.skipped).toBe(0);
    expect(after.matrices[0]!.params).not.toEqual(before.matrices[0]!.params);
    expect(after.matrices[1]!.params).not.toEqual(before.matrices[1]!.params);
  });

  it('stays close to f32 AdamW while converging', async () => {
    const n = 4096;
    const target = randomArray(50, n);
    const { step, read } = await adam8bitOnGpu([n]);
    const start = (await read()).matrices[0]!.params;
    const reference = { params: Float64Array.from(start), m: new Float64Array(n), v: new Float64Array(n) };
    const options = { ...settings, weightDecay: 0, maxGradNorm: 0 };
    // A quadratic with curvatures 0.1 to 10 and gradient noise, the same noise for both.
    const gradsAt = (params: ArrayLike<number>, t: number) => {
      const noise = randomArray(1000 + t, n, 0.1);
      return Float32Array.from(target, (x, i) => 10 ** ((i % 3) - 1) * (params[i]! - x) + noise[i]!);
    };
    for (let t = 1; t <= 150; t++) {
      const now = (await read()).matrices[0]!.params;
      step([gradsAt(now, t)], { ...options, step: t });
      adamWRef(reference, gradsAt(reference.params, t), { ...options, step: t });
    }
    const end = (await read()).matrices[0]!.params;
    const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Math.sqrt(Array.from(a).reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));
    const apart = distance(end, reference.params) / distance(start, reference.params);
    console.info(`8-bit AdamW is ${(100 * apart).toFixed(2)}% of the way off f32 AdamW after 150 steps`);
    expect(apart).toBeLessThan(0.05);
    expect(distance(end, target)).toBeLessThan(1.1 * distance(reference.params, target));
  });
});
