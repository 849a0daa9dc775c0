import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../testing/compare.ts';
import { testGpu } from '../testing/gpu.ts';
import { asStored, submit, weightOf } from '../testing/kernels.ts';
import { tensorOf, zeros } from '../testing/tensors.ts';
import { embedding } from './embedding.ts';
import { embeddingRef } from './embedding.ref.ts';
import type { FloatFormat } from './weight.ts';

const cases: [FloatFormat, number, number, number][] = [
  // format, vocab, cols, rows of a chunk
  ['f32', 1, 1, 1],
  ['f32', 11, 300, 4],
  ['bf16', 10, 64, 10],
  ['bf16', 9, 7, 2],
  ['f16', 9, 7, 3],
  ['f16', 13, 257, 5],
];

describe.each(cases)('embedding in %s of %i x %i, %i rows a chunk', (format, vocab, cols, chunkRows) => {
  it('picks the rows exactly, whichever chunk holds them', async () => {
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

it('embedding leaves rows of other chunks and rows past `rows` alone', async () => {
  const gpu = await testGpu();
  const whole = weightOf(gpu, Float32Array.of(1, 2, 3, 4), [4, 1], 'f32', 2);
  const second = { ...whole, chunks: whole.chunks.slice(1) };
  const y = tensorOf(gpu, Float32Array.of(9, 9, 9, 9), [4, 1]);
  const tokens = tensorOf(gpu, Uint32Array.of(3, 0, 2, 2), [4]);
  submit(gpu, (commands) => embedding(commands, { weight: second, tokens, y, rows: 3 }));
  expect([...(await readFloats(gpu, y))]).toEqual([4, 9, 3, 9]);
});
