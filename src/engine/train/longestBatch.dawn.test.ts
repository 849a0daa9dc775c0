import shaders from 'virtual:shaders';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDawn } from '../../hosts/node/dawn.ts';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { randomRows, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { smallerBatch } from './longestBatch.ts';
import { startAdapter } from './startAdapter.ts';
import { train } from './trainer.ts';

// Without shuffling the longest batch comes last.
const rows = randomRows([3, 4, 3, 4, 30, 32]);
const recipe: Recipe = {
  ...defaultRecipe(),
  rank: 4,
  lr: 1e-2,
  batch_size: 2,
  shuffle: false,
  max_steps: 3,
  dropout: 0.1,
  warmup_steps: 0,
  targets: ['q_proj'],
};

let gpu: Gpu;
let decoder: Decoder;
// Devices of their own, since what they report stays with them.
beforeEach(async () => {
  gpu = await openGpu(openDawn(), shaders);
  decoder = await openDecoder(
    gpu,
    await openModelFiles(tinyModel({ config: { num_hidden_layers: 1 } })),
    'f32',
  );
});
afterEach(() => {
  closeDecoder(decoder);
  gpu.destroy();
});

async function run(fields: Partial<Recipe> = {}, fail?: () => void) {
  const adapter = await startAdapter(decoder, recipe, null);
  const before = await readBuffers(gpu, adapter.params);
  const steps: number[] = [];
  const peaks: number[] = [];
  fail?.();
  const outcome = await train({
    decoder,
    adapter,
    recipe: { ...recipe, ...fields },
    dataset: rows,
    evalDataset: null,
    onStep: ({ step }) => {
      steps.push(step);
      peaks.push(gpu.memory.bytes);
    },
    onEval: () => undefined,
    shouldStop: () => false,
  }).catch((error: unknown) => error);
  return { outcome, steps, peaks, adapter, before };
}

/** Has the driver say that it has no more than `bytes`, as a browser hears it. */
function limitMemory(bytes: number): void {
  const { device } = gpu;
  const make = device.createBuffer.bind(device);
  let taken = 0;
  device.createBuffer = (descriptor) => {
    taken += descriptor.size;
    if (taken > bytes) {
      const error = new GPUOutOfMemoryError('no more');
      device.onuncapturederror?.({ error } as unknown as GPUUncapturedErrorEvent);
    }
    return make(descriptor);
  };
}

describe('the longest batch', () => {
  it('runs before the first step, so that all memory is there from then on', async () => {
    const { peaks, steps } = await run();
    expect(steps).toEqual([1, 2, 3]);
    expect(new Set(peaks).size).toBe(1);
  });

  it('that does not fit ends the run before anything was trained, and says what to change', async () => {
    // What the short batches take, and a little more.
    const { outcome, steps, adapter, before } = await run({}, () => limitMemory(60_000));
    expect(steps).toEqual([]);
    await expectGraftError(() => Promise.reject(outcome as Error), 'train.batch_too_large', {
      batch_size: 1,
      grad_accum: 2,
    });
    expect((outcome as Error).message).toContain('Set "batch_size" to 1 and "grad_accum" to 2');
    gpu.throwIfFailed = () => undefined;
    expect(await readBuffers(gpu, adapter.params)).toEqual(before);
  });

  it('of one row asks for shorter rows', async () => {
    const { outcome } = await run({ batch_size: 1 }, () => limitMemory(8_000));
    await expectGraftError(() => Promise.reject(outcome as Error), 'train.row_too_large');
  });

  it('in memory that is not there is noticed where the driver is silent', async () => {
    const { device } = gpu;
    const make = device.createBuffer.bind(device);
    const submit = device.queue.submit.bind(device.queue);
    let canary: GPUBuffer | null = null;
    device.createBuffer = (descriptor) => {
      const buffer = make(descriptor);
      if (descriptor.label === 'canary') canary = buffer;
      return buffer;
    };
    // Somebody else writes where the canary is.
    device.queue.submit = (commands) => {
      if (canary) device.queue.writeBuffer(canary, 400, new Float32Array([1, 2, 3]));
      submit(commands);
    };
    const { outcome, steps, adapter, before } = await run();
    canary = null;
    await expectGraftError(() => Promise.reject(outcome as Error), 'train.batch_too_large');
    expect(steps).toEqual([]);
    expect(await readBuffers(gpu, adapter.params)).toEqual(before);
  });
});

it('a smaller batch is the same training', () => {
  const of = (batch_size: number, grad_accum: number) => smallerBatch({ batch_size, grad_accum });
  expect(of(1, 8)).toBeNull();
  expect(of(2, 8)).toEqual({ batch_size: 1, grad_accum: 16 });
  expect(of(12, 1)).toEqual({ batch_size: 6, grad_accum: 2 });
  expect(of(9, 1)).toEqual({ batch_size: 3, grad_accum: 3 });
  expect(of(7, 2)).toEqual({ batch_size: 1, grad_accum: 14 });
});
