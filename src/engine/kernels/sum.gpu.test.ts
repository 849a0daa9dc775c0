import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { ONE_STAGE_SUM, PARTIALS, sumInto } from './sum.ts';

describe.each([1, 255, 257, ONE_STAGE_SUM, ONE_STAGE_SUM + 1, 200_003])('sum of %i', (count) => {
  it('matches the f64 sum, accumulates, and is deterministic', async () => {
    const gpu = await testGpu();
    const values = randomArray(1, count + 5).map((v) => v + 0.5);
    const x = tensorOf(gpu, values, [count + 5]);
    const stats = tensorOf(gpu, Float32Array.of(1, 2, 3, 4), [4]);
    const partials = tensorOf(gpu, randomArray(2, PARTIALS), [PARTIALS]);
    submit(gpu, (commands) => {
      sumInto(commands, { x, count, stats, index: 0, accumulate: false, partials });
      sumInto(commands, { x, count, stats, index: 2, accumulate: true, partials });
      sumInto(commands, { x, count, stats, index: 3, accumulate: false, partials });
    });
    const sum = values.slice(0, count).reduce((s, v) => s + v, 0);
    const result = await readFloats(gpu, stats);
    expectClose(result, [sum, 2, sum + 3, sum], { rtol: 2e-6, atol: 1e-6 });
    expect(result[0]).toBe(result[3]);
  });
});

it('a long sum without partials is rejected', async () => {
  const gpu = await testGpu();
  const count = ONE_STAGE_SUM + 1;
  const options = { x: zeros(gpu, [count]), count, stats: zeros(gpu, [1]), index: 0, accumulate: false };
  expect(() => submit(gpu, (commands) => sumInto(commands, options))).toThrow(/partials/);
});
