import { expect, it } from 'vitest';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { needSubgroups } from '../../testing/needs.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { readFloats } from '../gpu/transfer.ts';
import { matmul } from './matmul.ts';
import { matmulRef } from './matmul.ref.ts';
import type { MatmulLayout, MatmulVariant } from './matmulVariants.ts';

// One without rows, one of a single row, and one of more than a tile; the first belongs to another matrix.
const counts = [4, 3, 0, 17, 1, 70];
const first = 1;
const starts = Uint32Array.from([0, 4, 7, 7, 24, 25, 95]);
const rows = 95;
const count = counts.length - first;
const close = { atol: 2e-5, rtol: 2e-5 };

const variants: MatmulVariant[] = [
  'gpu 64x64',
  'gpu 16x64',
  'unrolled 64x16',
  'split 16x8',
  'subgroup 8x4',
  'subgroup 16x8',
  'tile 8x64',
];
const cases = (['NT', 'NN', 'TN'] as MatmulLayout[]).flatMap((layout, i) =>
  // Unrolled tiles take a software adapter seconds to compile: two of each layout.
  variants.filter((_, j) => j % 3 === i || j === i + 3).map((variant) => [layout, variant] as const),
);

it.for(cases)('%s with rows in groups, by %s', async ([layout, variant], context) => {
  const gpu = await testGpu();
  if (variant.startsWith('subgroup')) needSubgroups(context, gpu);
  // Four at a time, or not.
  const [n, k] = variants.indexOf(variant) % 2 === 0 ? [20, 24] : [19, 13];
  const spare = 2; // rows of w, or of c, that belong to no group
  const group = { starts: tensorOf(gpu, starts, [starts.length]), first, count };
  const part = (values: Float32Array, from: number, length: number) => values.subarray(from, from + length);
  if (layout === 'TN') {
    const [a, w] = [randomArray(1, rows * k), randomArray(2, rows * n)];
    const before = randomArray(3, count * (k + spare) * n);
    const c = tensorOf(gpu, before, [before.length]);
    const factors = { layout, a: tensorOf(gpu, a, [rows, k]), w: tensorOf(gpu, w, [rows, n]) };
    const groups = { ...group, rows: k + spare };
    submit(gpu, (commands) =>
      matmul(commands, { ...factors, c, m: k, n, k: rows, groups, accumulate: true, variant }),
    );
    const expected = Float64Array.from(before);
    for (let g = 0; g < count; g++) {
      const [begin, end] = [starts[first + g]!, starts[first + g + 1]!];
      const own = matmulRef(
        'TN',
        part(a, begin * k, rows * k),
        part(w, begin * n, rows * n),
        k,
        n,
        end - begin,
      );
      own.forEach((value, i) => (expected[g * (k + spare) * n + i]! += value));
    }
    expectClose(await readFloats(gpu, c), expected, close);
    return;
  }
  const each = layout === 'NT' ? n : k;
  const cols = layout === 'NT' ? k : n;
  const [a, w] = [randomArray(4, rows * k), randomArray(5, count * (each + spare) * cols)];
  const c = zeros(gpu, [rows, n]);
  const factors = { layout, a: tensorOf(gpu, a, [rows, k]), w: tensorOf(gpu, w, [w.length]) };
  const groups = { ...group, rows: each + spare };
  submit(gpu, (commands) => matmul(commands, { ...factors, c, m: rows, n, k, groups, variant }));
  const expected = new Float64Array(rows * n);
  for (let g = 0; g < count; g++) {
    const [begin, end] = [starts[first + g]!, starts[first + g + 1]!];
    const own = matmulRef(
      layout,
      part(a, begin * k, a.length),
      part(w, g * (each + spare) * cols, w.length),
      end - begin,
      n,
      k,
    );
    expected.set(own, begin * n);
  }
  const found = await readFloats(gpu, c);
  expectClose(found, expected, close);
  expect(found.subarray(0, counts[0]! * n).every((value) => value === 0)).toBe(true);
});
