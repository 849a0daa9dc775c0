import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf } from '../../testing/tensors.ts';
import { crossEntropyRef } from './crossEntropy.ref.ts';
import { crossEntropyBackward, logSumExp, LOSS_STATE } from './crossEntropy.ts';
import { toLogits, type LogitForm } from './logits.ts';
import { logitRef } from './logits.ref.ts';

const forms: LogitForm[] = [
  { multiplier: 0.25, cap: 0 },
  { multiplier: 1, cap: 30 },
  { multiplier: 3, cap: 2 },
];

/** The losses of products, and their gradient, in f64. */
function lossesRef(products: ArrayLike<number>, targets: Uint32Array, vocab: number, form: LogitForm) {
  const all = Array.from(products, (product) => logitRef(product, form));
  const logits = all.map(({ value }) => value);
  const { losses, dLogits } = crossEntropyRef(logits, targets, vocab, 0.5);
  return { losses, gradient: dLogits.map((d, i) => d * all[i]!.slope) };
}

describe.each(forms)('logits of $multiplier times a product, capped at $cap', (form) => {
  it.each([[1], [255], [1000]])('are the reference’s, %i of them', async (count) => {
    const gpu = await testGpu();
    // From far below the cap, where a tanh may cancel, to far above it.
    const products = randomArray(1, count, 6).map((x) => x ** 5 / 100);
    const logits = tensorOf(gpu, products, [count]);
    submit(gpu, (commands) => toLogits(commands, { logits, count, form }));
    const expected = Float64Array.from(products, (product) => logitRef(product, form).value);
    expectClose(await readFloats(gpu, logits), expected, { rtol: 2e-6 });
  });

  it.each([
    [3, 1],
    [5, 7],
    [4, 512],
  ])('have the reference’s losses and gradients, %i x %i', async (rows, vocab) => {
    const gpu = await testGpu();
    const products = randomArray(2, rows * vocab, 8);
    const targets = Uint32Array.from({ length: rows }, (_, t) => (7 * t) % vocab);
    const expected = lossesRef(products, targets, vocab, form);
    for (const fused of [false, true]) {
      const columns = {
        logits: tensorOf(gpu, products, [rows, vocab]),
        form,
        targets: tensorOf(gpu, targets, [rows]),
        state: tensorOf(gpu, new Float32Array(rows * LOSS_STATE), [rows, LOSS_STATE]),
        rows,
        first: 0,
        width: vocab,
        offset: 0,
      };
      const losses = tensorOf(gpu, new Float32Array(rows), [rows]);
      submit(gpu, (commands) => {
        logSumExp(commands, { ...columns, losses, part: vocab, ...(fused && { gradientScale: 0.5 }) });
        if (!fused) crossEntropyBackward(commands, { ...columns, scale: 0.5 });
      });
      expectClose(await readFloats(gpu, losses), expected.losses, { atol: 4e-6, rtol: 1e-6 });
      expectClose(await readFloats(gpu, columns.logits), expected.gradient, { atol: 4e-7, rtol: 2e-5 });
    }
  });

  it('has a reference whose gradient matches finite differences', () => {
    const products = randomArray(3, 15, 3);
    const targets = Uint32Array.of(4, 0, 2);
    const { gradient } = lossesRef(products, targets, 5, form);
    const loss = (at: ArrayLike<number>) =>
      lossesRef(at, targets, 5, form).losses.reduce((sum, value) => sum + 0.5 * value, 0);
    for (let i = 0; i < 15; i++) expect(gradient[i]).toBeCloseTo(finiteDifference(loss, products, i), 6);
  });
});
