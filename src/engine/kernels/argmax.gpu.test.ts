import { expect, it } from 'vitest';
import { randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { readWords, tensorOf, zeros } from '../../testing/tensors.ts';
import { argmaxRows } from './argmax.ts';

it.each([
  [1, 1],
  [3, 7],
  [2, 256],
  [5, 257],
  [4, 1280],
])('the largest of each of %i rows of %i', async (rows, columns) => {
  const gpu = await testGpu();
  const values = randomArray(rows + columns, rows * columns, 5);
  // Equal ones, of which the first counts; a row of negative numbers.
  for (const at of [columns >> 1, columns - 1]) values[at] = 9;
  for (let i = 0; i < columns; i++) values[(rows - 1) * columns + i]! -= rows > 1 ? 20 : 0;
  const y = zeros(gpu, [rows], 'u32');
  submit(gpu, (commands) =>
    argmaxRows(commands, { x: tensorOf(gpu, values, [rows, columns]), y, rows, columns }),
  );
  const expected = Array.from({ length: rows }, (_, r) => {
    const row = [...values.subarray(r * columns, (r + 1) * columns)];
    return row.indexOf(Math.max(...row));
  });
  expect([...(await readWords(gpu, y))]).toEqual(expected);
});
