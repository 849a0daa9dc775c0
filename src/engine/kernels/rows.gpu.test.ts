import { describe, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { gatherRows, scatterRows } from './rows.ts';
import { gatherRowsRef, scatterRowsRef } from './rows.ref.ts';

describe.each([
  // rows of x, dim, index
  [1, 1, [0]],
  [9, 3, [8, 0, 4]],
  [5, 257, [4, 3, 2, 1, 0]],
  [6, 896, [5]],
] as [number, number, number[]][])('rows of a %i x %i matrix at %j', (total, dim, list) => {
  const rows = list.length;
  const index = Uint32Array.from(list);
  const x = randomArray(1, total * dim);
  const y = randomArray(2, rows * dim);

  it('gathers', async () => {
    const gpu = await testGpu();
    const out = zeros(gpu, [rows, dim]);
    const inputs = { x: tensorOf(gpu, x, [total, dim]), index: tensorOf(gpu, index, [rows]) };
    submit(gpu, (commands) => gatherRows(commands, { ...inputs, y: out, rows, dim }));
    expectClose(await readFloats(gpu, out), gatherRowsRef(x, index, dim));
  });

  it('scatters and leaves the other rows alone', async () => {
    const gpu = await testGpu();
    const out = tensorOf(gpu, x, [total, dim]);
    const inputs = { y: tensorOf(gpu, y, [rows, dim]), index: tensorOf(gpu, index, [rows]) };
    submit(gpu, (commands) => scatterRows(commands, { x: out, ...inputs, rows, dim }));
    expectClose(await readFloats(gpu, out), scatterRowsRef(x, y, index, dim));
  });
});

it('gathers more rows than one grid dimension holds', async () => {
  const gpu = await testGpu();
  const rows = 65_537;
  const index = Uint32Array.from({ length: rows }, (_, i) => (i * 3) % 10);
  const x = randomArray(3, 10);
  const y = zeros(gpu, [rows, 1]);
  const inputs = { x: tensorOf(gpu, x, [10, 1]), index: tensorOf(gpu, index, [rows]) };
  submit(gpu, (commands) => gatherRows(commands, { ...inputs, y, rows, dim: 1 }));
  expectClose(await readFloats(gpu, y), gatherRowsRef(x, index, 1));
});
