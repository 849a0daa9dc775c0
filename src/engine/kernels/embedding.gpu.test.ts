import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { asStored, submit, weightOf } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { positionsByToken } from './tokenPositions.ts';
import { embedding, embeddingBackward } from './embedding.ts';
import { embeddingBackwardRef, embeddingRef } from './embedding.ref.ts';
import type { FloatFormat } from './weight.ts';

const cases: [FloatFormat, number, number, number][] = [
  // format, vocab, cols, rows per chunk
  ['f32', 1, 1, 1],
  ['f32', 11, 300, 4],
  ['bf16', 10, 64, 10],
  ['bf16', 9, 7, 2],
  ['f16', 9, 7, 3],
  ['f16', 13, 257, 5],
];

describe.each(cases)('embedding in %s of %i x %i, %i rows per chunk', (format, vocab, cols, chunkRows) => {
  it('copies the rows exactly, whichever chunk holds them', async () => {
    const gpu = await testGpu();
    const values = randomArray(1, vocab * cols);
    const tokens = Uint32Array.from({ length: 2 * vocab + 3 }, (_, i) => (i * 7 + 2) % vocab);
    const rows = tokens.length;
    const y = zeros(gpu, [rows, cols]);
    const weight = weightOf(gpu, values, [vocab, cols], format, chunkRows);
    submit(gpu, (commands) =>
      embedding(commands, { weight, tokens: tensorOf(gpu, tokens, [rows]), y, rows }),
    );
    expectClose(await readFloats(gpu, y), embeddingRef(asStored(values, format), tokens, cols));
  });
});

it('embedding and its gradient are multiplied by a factor', async () => {
  const gpu = await testGpu();
  const [vocab, cols] = [9, 70];
  const values = randomArray(1, vocab * cols);
  const ids = Uint32Array.of(3, 3, 8, 0, 3);
  const weight = weightOf(gpu, values, [vocab, cols], 'f32', 4);
  const gradient = weightOf(gpu, new Float32Array(vocab * cols), [vocab, cols], 'f32', 4);
  const y = zeros(gpu, [ids.length, cols]);
  const dy = randomArray(2, ids.length * cols);
  const { tokens, starts, positions } = positionsByToken(ids);
  const list = (numbers: Uint32Array) => tensorOf(gpu, numbers, [numbers.length]);
  const at = {
    tokens: list(tokens),
    starts: list(starts),
    positions: list(positions),
    unique: tokens.length,
  };
  const multiplier = Math.sqrt(70);
  submit(gpu, (commands) => {
    embedding(commands, { weight, tokens: list(ids), y, rows: ids.length, multiplier });
    embeddingBackward(commands, { dy: tensorOf(gpu, dy, [ids.length, cols]), at, gradient, multiplier });
  });
  const scaled = (of: Float64Array) => of.map((value) => value * multiplier);
  expectClose(await readFloats(gpu, y), scaled(embeddingRef(values, ids, cols)), { rtol: 1e-6 });
  const expected = scaled(embeddingBackwardRef(dy, ids, vocab, cols));
  for (const { rowStart, rows, data } of gradient.chunks) {
    const part = expected.subarray(rowStart * cols, (rowStart + rows) * cols);
    expectClose(await readFloats(gpu, data), part, { atol: 1e-5, rtol: 1e-5 });
  }
});

it('embedding skips tokens of other chunks and rows past `rows`', async () => {
  const gpu = await testGpu();
  const whole = weightOf(gpu, Float32Array.of(1, 2, 3, 4), [4, 1], 'f32', 2);
  const second = { ...whole, chunks: whole.chunks.slice(1) };
  const y = tensorOf(gpu, Float32Array.of(9, 9, 9, 9), [4, 1]);
  const tokens = tensorOf(gpu, Uint32Array.of(3, 0, 2, 2), [4]);
  submit(gpu, (commands) => embedding(commands, { weight: second, tokens, y, rows: 3 }));
  expect([...(await readFloats(gpu, y))]).toEqual([4, 9, 3, 9]);
});

describe('embeddingBackward', () => {
  it.each([
    [10, 64, 10],
    [9, 7, 2],
    [3, 130, 3],
  ])(
    'of %i x %i, %i rows per chunk, sums the gradients over every position of a token',
    async (vocab, cols, chunkRows) => {
      const gpu = await testGpu();
      const ids = Uint32Array.from({ length: 4 * vocab + 3 }, (_, i) => (i * i + 2) % vocab);
      const dy = randomArray(3, ids.length * cols);
      const before = randomArray(4, vocab * cols);
      const gradient = weightOf(gpu, before, [vocab, cols], 'f32', chunkRows);
      const { tokens, starts, positions: places } = positionsByToken(ids);
      const list = (values: Uint32Array) => tensorOf(gpu, values, [values.length]);
      const at = {
        tokens: list(tokens),
        starts: list(starts),
        positions: list(places),
        unique: tokens.length,
      };
      submit(gpu, (commands) =>
        embeddingBackward(commands, { dy: tensorOf(gpu, dy, [ids.length, cols]), at, gradient }),
      );
      const expected = embeddingBackwardRef(dy, ids, vocab, cols).map((value, i) => value + before[i]!);
      for (const { rowStart, rows, data } of gradient.chunks) {
        const part = expected.subarray(rowStart * cols, (rowStart + rows) * cols);
        expectClose(await readFloats(gpu, data), part, { atol: 1e-5, rtol: 1e-5 });
      }
    },
  );
});
