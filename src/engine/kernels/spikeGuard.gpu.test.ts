import { expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf } from '../../testing/tensors.ts';
import { spikeGuard } from './spikeGuard.ts';
import { spikeGuardRef } from './spikeGuard.ref.ts';

it.each([
  [1, 2, 1, 2],
  [1.0000001, 2, 1, 2],
  [1, 2.0000002, 1, 2],
  [0, 0, 0, 0],
  [NaN, 1, 5, 5],
  [1, Infinity, 5, 5],
])('passes loss %d and norm %d at limits %d and %d like the reference', async (loss, norm, a, b) => {
  const gpu = await testGpu();
  const stats = tensorOf(gpu, Float32Array.of(loss, norm, 7, 8), [4]);
  const places = { lossIndex: 0, normIndex: 1, guardedIndex: 3 };
  submit(gpu, (commands) => spikeGuard(commands, { stats, ...places, lossLimit: a, normLimit: b }));
  const [, , untouched, guarded] = await readFloats(gpu, stats);
  expect(untouched).toBe(7);
  expect(guarded).toBe(spikeGuardRef(Math.fround(loss), Math.fround(norm), a, b));
  gpu.memory.free(stats);
});
