import { expect, it } from 'vitest';
import { f32ToF16 } from '../../base/lib/floats.ts';
import { readBytes } from '../gpu/transfer.ts';
import { randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { roundToF16 } from './roundToF16.ts';

it.each([1, 2, 7, 513, 70_001])('%i values are rounded to nearest even, and saturate', async (count) => {
  const gpu = await testGpu();
  // Halfway between two halves, subnormals, and what exceeds them.
  const edges = [
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    2 ** -25,
    3 * 2 ** -25,
    -(2 ** -24),
    65_519,
    65_520,
    -1e30,
    0,
  ];
  const values = randomArray(1, count).map((value, i) => edges[i % 19] ?? value * 2 ** ((i % 40) - 25));
  const y = zeros(gpu, [Math.ceil(count / 2)], 'u32');
  submit(gpu, (commands) => roundToF16(commands, { x: tensorOf(gpu, values, [count]), y }));
  const halves = new Uint16Array((await readBytes(gpu, y)).buffer);
  const saturated = values.map((value) => Math.max(-65_504, Math.min(65_504, value)));
  expect(halves.slice(0, count)).toEqual(f32ToF16(saturated));
  if (count % 2 === 1) expect(halves[count]).toBe(0);
});
