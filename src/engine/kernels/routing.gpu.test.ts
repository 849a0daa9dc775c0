import { describe, expect, it } from 'vitest';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { readWords, tensorOf, zeros } from '../../testing/tensors.ts';
import { readFloats } from '../gpu/transfer.ts';
import { routeTokens, routeTokensBackward } from './routing.ts';
import { routeTokensBackwardRef, routeTokensRef } from './routing.ref.ts';

const close = { atol: 1e-6, rtol: 1e-5 };

describe.each([
  // tokens, experts, experts a token, of which the weights are shares
  [1, 1, 1, true],
  [3, 5, 2, true],
  [3, 5, 2, false],
  [70, 13, 5, false],
  [130, 128, 8, true],
  [9, 7, 7, false],
])('%i tokens, %i experts, %i each, among the chosen: %s', (rows, experts, top, amongChosen) => {
  const routing = { experts, top, amongChosen };
  const logits = randomArray(1, rows * experts).map((value) => 3 * value);
  // Equal logits: the first expert is chosen first.
  if (experts > 3) logits.fill(2.5, 1, 4);

  it('chooses and weighs as the reference', async () => {
    const gpu = await testGpu();
    const chosen = zeros(gpu, [rows, top], 'u32');
    const weights = zeros(gpu, [rows, top]);
    const tensors = { logits: tensorOf(gpu, logits, [rows, experts]), chosen, weights, rows };
    submit(gpu, (commands) => routeTokens(commands, tensors, routing));
    const expected = routeTokensRef(logits, rows, routing);
    expect([...(await readWords(gpu, chosen))]).toEqual(expected.chosen);
    expectClose(await readFloats(gpu, weights), Float64Array.from(expected.weights), close);
  });

  it('has the gradient of the reference', async () => {
    const gpu = await testGpu();
    const { chosen } = routeTokensRef(logits, rows, routing);
    const dWeights = randomArray(2, rows * top);
    const dLogits = zeros(gpu, [rows, experts]);
    const tensors = {
      logits: tensorOf(gpu, logits, [rows, experts]),
      chosen: tensorOf(gpu, Uint32Array.from(chosen), [rows, top]),
      dWeights: tensorOf(gpu, dWeights, [rows, top]),
      dLogits,
      rows,
    };
    submit(gpu, (commands) => routeTokensBackward(commands, tensors, routing));
    const expected = routeTokensBackwardRef(logits, dWeights, rows, routing);
    expectClose(await readFloats(gpu, dLogits), Float64Array.from(expected), close);
  });
});
