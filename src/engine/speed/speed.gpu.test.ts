import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import { readFloats } from '../gpu/transfer.ts';
import { matmul } from '../kernels/matmul.ts';
import { testGpu } from '../../testing/gpu.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { attentionCase } from './attentionCases.ts';
import { benchmarkDevice } from './benchmark.ts';
import type { SpeedCase, SpeedShapes } from './cases.ts';
import type { Ceilings } from './ceilings.ts';
import { Inputs } from './inputs.ts';
import { measureCase } from './kernelSpeed.ts';
import { gemvCases, matmulCases } from './matmulCases.ts';
import { Repeater } from './repeater.ts';
import { measureStep, smallStep } from './stepSpeed.ts';
import { streamCases } from './streamCases.ts';

const shapes: SpeedShapes = {
  name: 'tiny',
  tokens: 12,
  hidden: 64,
  ffn: 128,
  heads: 4,
  kvHeads: 2,
  vocab: 256,
  rank: 8,
  parameters: 1024,
};

describe('speed', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  it('repeats recorded commands, including copies', async () => {
    const a = tensorOf(gpu, Float32Array.of(1, 2), [1, 2]);
    const w = tensorOf(gpu, Float32Array.of(3, 4), [1, 2]);
    const [c, copied] = [zeros(gpu, [1, 1]), zeros(gpu, [1, 1])];
    const repeater = new Repeater(gpu);
    matmul(repeater, { layout: 'NT', a, w, c, m: 1, n: 1, k: 2, accumulate: true });
    repeater.copy(c, copied);
    expect(await repeater.seconds(5)).toBeGreaterThan(0);
    expect([...(await readFloats(gpu, copied))]).toEqual([55]);
    repeater.dispose();
  });

  const cases: SpeedCase[] = [
    ...matmulCases(shapes, true),
    ...gemvCases(shapes, false),
    attentionCase('forward', { tokens: 12, heads: 4, kvHeads: 2, headDim: 8 }),
    attentionCase('backward', { tokens: 12, heads: 4, kvHeads: 2, headDim: 8 }),
    ...streamCases(shapes, false),
  ];
  const ceilings: Ceilings = {
    multiplyAdd: { flopsPerSecond: 1e15, variant: '' },
    copy: { bytesPerSecond: 1e15 },
    bufferCopy: { bytesPerSecond: 1e15 },
  };

  it.each(cases.map((one) => [`${one.kernel} ${one.shape} ${one.format ?? ''}`, one] as const))(
    'measures %s',
    async (_name, one) => {
      const limits = { overhead: 0, sample: 1e-9, budget: 0, signal: new AbortController().signal };
      const before = gpu.memory.bytes;
      const speed = await measureCase(gpu, 'tiny', one, ceilings, limits);
      expect(speed.seconds).toBeGreaterThan(0);
      expect(speed.bytesPerSecond).toBe(one.bytes / speed.seconds);
      expect(speed.shareOfCeiling).toBeLessThan(1);
      expect(gpu.memory.bytes).toBe(before);
    },
  );

  it('counts only bytes that the tensors of a case have', () => {
    for (const one of cases) {
      const inputs = new Inputs(gpu);
      const repeater = new Repeater(gpu);
      const before = gpu.memory.bytes;
      one.record(repeater, inputs);
      const held = gpu.memory.bytes - before;
      repeater.dispose();
      inputs.dispose();
      // What is both read and written counts twice; the 8-bit maps and parameters do not count.
      expect(one.bytes, `${one.kernel} ${one.format}`).toBeLessThanOrEqual(2 * held);
      expect(one.bytes, `${one.kernel} ${one.format}`).toBeGreaterThan(0.2 * (held - 4096));
    }
  });

  it('trains a small decoder and reports the time of a step', async () => {
    const before = gpu.memory.bytes;
    // Same heads as in other tests, so that shaders are already compiled.
    const heads = { hidden: 32, heads: 4, kvHeads: 2 };
    const shape = { ...smallStep, ...heads, layers: 1, ffn: 64, vocab: 64, tokens: 24 };
    const step = await measureStep(gpu, shape, { budget: 0, signal: new AbortController().signal });
    expect(step.samples).toBe(3);
    expect(step.tokensPerSecond).toBeCloseTo(24 / step.seconds);
    expect(step.dispatches).toBeGreaterThan(30);
    expect(step.peakBytes).toBeGreaterThan(0);
    // A fresh model has a loss of about ln 64; it learns the one row it sees.
    expect(step.losses[0]).toBeGreaterThan(3.5);
    expect(step.losses[1]).toBeLessThan(step.losses[0]);
    expect(gpu.memory.bytes).toBe(before);
  });

  it('stops when aborted', async () => {
    const controller = new AbortController();
    const stopped = benchmarkDevice(gpu, {
      extent: 'quick',
      environment: 'test',
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'speed.stopped' });
  });
});
