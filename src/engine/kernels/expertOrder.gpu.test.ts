import { describe, expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { readWords, tensorOf, zeros } from '../../testing/tensors.ts';
import { readFloats } from '../gpu/transfer.ts';
import { sortByExpert, sumPlaces } from './expertOrder.ts';
import { sortByExpertRef, sumPlacesRef } from './expertOrder.ref.ts';

describe.each([
  // tokens, experts, experts a token
  [1, 1, 1],
  [1, 64, 8],
  [5, 3, 2],
  [300, 13, 3],
  [97, 128, 8],
])('pairs of %i tokens with %i experts, %i each', (rows, experts, top) => {
  const random = createRandom(rows);
  // Any expert but the second, which gets no token.
  const chosen = Array.from({ length: rows * top }, () => random.below(experts)).map((e) =>
    e === 1 ? 0 : e,
  );
  const expected = sortByExpertRef(chosen, experts, top);

  it('are sorted, those of an expert in the order of their tokens', async () => {
    const gpu = await testGpu();
    const count = rows * top;
    const list = () => zeros(gpu, [count], 'u32');
    const order = { starts: zeros(gpu, [experts + 1], 'u32'), pairs: list(), tokens: list(), places: list() };
    const input = tensorOf(gpu, Uint32Array.from(chosen), [count]);
    submit(gpu, (commands) => sortByExpert(commands, { chosen: input, order, count }, { experts, top }));
    for (const name of ['starts', 'pairs', 'tokens', 'places'] as const)
      expect([...(await readWords(gpu, order[name]))]).toEqual(expected[name]);
  });

  it('are summed a token', async () => {
    const gpu = await testGpu();
    const dim = 131;
    const x = randomArray(1, rows * top * dim);
    const before = randomArray(2, rows * dim);
    const y = tensorOf(gpu, before, [rows, dim]);
    const sizes = { rows, dim, top };
    const places = tensorOf(gpu, Uint32Array.from(expected.places), [rows * top]);
    const tensors = { x: tensorOf(gpu, x, [rows * top, dim]), places, y, ...sizes };
    const [other, plain] = [zeros(gpu, [rows, dim]), zeros(gpu, [rows, dim])];
    submit(gpu, (commands) => {
      sumPlaces(commands, { ...tensors, y: other, residual: y });
      sumPlaces(commands, { ...tensors, y: plain, residual: null });
      sumPlaces(commands, { ...tensors, residual: y });
    });
    const sums = sumPlacesRef(x, expected.places, sizes);
    const close = { atol: 1e-5, rtol: 1e-5 };
    const added = sums.map((value, i) => value + before[i]!);
    for (const made of [y, other]) expectClose(await readFloats(gpu, made), added, close);
    expectClose(await readFloats(gpu, plain), sums, close);
  });
});
