import { it } from 'vitest';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { readFloats } from '../gpu/transfer.ts';
import { swiglu, weighedGlu, weighedGluBackward } from './glu.ts';
import { activationRef } from './glu.ref.ts';

const close = { atol: 1e-5, rtol: 1e-5 };

it.each([
  [1, 1],
  [7, 20],
  [3, 300],
])('weighs %i rows of %i, and has its gradients', async (rows, width) => {
  const gpu = await testGpu();
  const values = randomArray(1, rows * 2 * width);
  const dh = randomArray(2, rows * width);
  const weights = randomArray(3, rows);
  const pairs = Uint32Array.from({ length: rows }, (_, row) => (row + 2) % rows);
  const [h, dWeights] = [zeros(gpu, [rows, width]), zeros(gpu, [rows])];
  const gateUp = tensorOf(gpu, values, [rows, 2 * width]);
  const common = {
    ...{ gateUp, rows, width, form: swiglu },
    ...{ weights: tensorOf(gpu, weights, [rows]), pairs: tensorOf(gpu, pairs, [rows]) },
  };
  let d = gateUp;
  const gradient = tensorOf(gpu, dh, [rows, width]);
  submit(gpu, (commands) => {
    weighedGlu(commands, { ...common, h });
    d = weighedGluBackward(commands, { ...common, dh: gradient, dWeights });
  });
  const expected = {
    h: [] as number[],
    d: new Float64Array(values.length),
    dWeights: new Float64Array(rows),
  };
  for (let row = 0; row < rows; row++) {
    const weight = weights[pairs[row]!]!;
    for (let i = 0; i < width; i++) {
      const [gate, up] = [values[row * 2 * width + i]!, values[(row * 2 + 1) * width + i]!];
      const { value, slope } = activationRef(gate, 'silu');
      const own = dh[row * width + i]!;
      expected.h.push(weight * value * up);
      expected.d[row * 2 * width + i] = weight * own * up * slope;
      expected.d[(row * 2 + 1) * width + i] = weight * own * value;
      expected.dWeights[pairs[row]!]! += own * value * up;
    }
  }
  expectClose(await readFloats(gpu, h), Float64Array.from(expected.h), close);
  expectClose(await readFloats(gpu, d), expected.d, close);
  expectClose(await readFloats(gpu, dWeights), expected.dWeights, close);
});
