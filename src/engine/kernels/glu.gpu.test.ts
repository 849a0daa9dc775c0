import { describe, expect, it } from 'vitest';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { glu, gluBackward, gluGradientStride, swiglu, type Activation, type GluForm } from './glu.ts';
import { activationRef, gluBackwardRef, gluRef } from './glu.ref.ts';

const close = { atol: 1e-6, rtol: 1e-5 };
const types: ElementType[] = ['f32', 'f16'];
const activations: Activation[] = ['silu', 'gelu', 'gelu_tanh', 'relu', 'relu2'];

/** Three rows if `count` is divisible by 3, else one. */
const rowsOf = (count: number) => (count % 3 === 0 ? 3 : 1);

/** Interleaves gate and up by row. */
function interleaved(
  rows: number,
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const width = gate.length / rows;
  return Float32Array.from({ length: 2 * gate.length }, (_, i) => {
    const [row, column] = [Math.floor(i / (2 * width)), i % (2 * width)];
    return column < width ? gate[row * width + column]! : up[row * width + column - width]!;
  });
}

async function run(
  type: ElementType,
  gate: Float32Array | null,
  up: Float32Array,
  dh: Float32Array,
  form: GluForm = swiglu,
) {
  const gpu = await testGpu();
  const count = up.length;
  const rows = rowsOf(count);
  const width = count / rows;
  const all = gate ? interleaved(rows, gate, up) : Float32Array.from(up);
  const gateUp = tensorOf(gpu, all, [rows, all.length / rows], type);
  const h = zeros(gpu, [rows, width], type);
  // Padding between rows, if any, is overwritten.
  const stride = gluGradientStride(type, width, form);
  const wide = stride === width ? dh : interleaved(rows, dh, randomArray(9, count));
  const gradient = tensorOf(gpu, wide, [rows, stride]);
  let d: Tensor | null = null;
  submit(gpu, (commands) => {
    glu(commands, { gateUp, h, rows, width, form });
    d = gluBackward(commands, { gateUp, dh: gradient, rows, width, form });
  });
  return { h: await readFloats(gpu, h), d: await readFloats(gpu, d!) };
}

/** Gradients as they lie, in f64. */
function gradientsRef(dh: Float32Array, gate: Float32Array | null, up: Float32Array, activation: Activation) {
  const { dGate, dUp } = gluBackwardRef(dh, gate, up, activation);
  return dGate ? interleaved(rowsOf(up.length), dGate, dUp) : dUp;
}

const forms = activations.flatMap((activation) =>
  [true, false].map((gated): [string, GluForm] => [
    `${activation}${gated ? '' : ' without a gate'}`,
    { activation, gated },
  ]),
);

describe.each(forms)('the MLP’s %s', (_, form) => {
  const { activation, gated } = form;
  // Silu is what most families have: at more sizes.
  const counts = activation === 'silu' && gated ? [1, 3, 255, 256, 999] : [3, 257];
  it.for(types.flatMap((type) => counts.map((count) => [type, count] as const)))(
    'equals the reference forward and backward, %s, %i',
    async ([type, count], context) => {
      if (type === 'f16') needF16(context, await testGpu());
      const gate = gated ? asStored(randomArray(1, count, 8), type) : null;
      const up = asStored(randomArray(2, count, gated ? 2 : 8), type);
      const dh = randomArray(3, count);
      const { h, d } = await run(type, gate, up, dh, form);
      // Squares of 8, and inner derivatives of cubes: some units in the last place of the largest.
      const within = activation === 'silu' ? close : { atol: 8e-6, rtol: 1e-5 };
      expectClose(h, gluRef(gate, up, activation), toleranceOf(type, within));
      expectClose(d, gradientsRef(dh, gate, up, activation), within);
    },
  );

  it.for(types)('stays finite and exact far from zero, %s', async (type, context) => {
    if (type === 'f16') needF16(context, await testGpu());
    const x = Float32Array.of(100, -100, 1e4, -1e4, 6e4, -6e4, 0, -0);
    const ones = x.map(() => 1);
    const [gate, up] = gated ? [x, x.map((_x, i) => 0.5 + i / 8)] : [null, x];
    const dh = x.map((_x, i) => 1 - i / 4);
    const { h, d } = await run(type, gate, up, dh, form);
    const limited = (values: Float64Array) =>
      values.map((v) => Math.max(-65504, Math.min(v, type === 'f16' ? 65504 : v)));
    expectClose(h, limited(gluRef(gate, up, activation)), toleranceOf(type, close));
    expectClose(d, gradientsRef(dh, gate, up, activation), close);
    if (activation === 'relu2') return;
    const largest = Float32Array.of(3e38, -3e38);
    const two = ones.slice(0, 2);
    const far = await run('f32', gated ? largest : null, gated ? two : largest, two, form);
    expectClose(far.h, [largest[0]!, 0]);
    expectClose(far.d, gated ? [1, 0, largest[0]!, 0] : [1, 0]);
  });

  it('has a reference whose gradient matches finite differences', () => {
    const gate = gated ? randomArray(4, 9, 6) : null;
    const up = randomArray(5, 9, gated ? 1 : 6);
    const dh = randomArray(6, 9);
    const { dGate, dUp } = gluBackwardRef(dh, gate, up, activation);
    const loss = (g: ArrayLike<number> | null, u: ArrayLike<number>) =>
      gluRef(g, u, activation).reduce((s, v, i) => s + v * dh[i]!, 0);
    for (let i = 0; i < 9; i++) {
      if (gate && dGate)
        expect(dGate[i]).toBeCloseTo(
          finiteDifference((g) => loss(g, up), gate, i),
          4,
        );
      expect(dUp[i]).toBeCloseTo(
        finiteDifference((u) => loss(gate, u), up, i),
        4,
      );
    }
  });
});

it('computes exponentials to about one rounding, far from zero too, and a NaN stays one', async () => {
  const x = Float32Array.from({ length: 4000 }, (_, i) => (i - 3000) / 40);
  const form: GluForm = { activation: 'silu', gated: false };
  const { h } = await run('f32', null, x, x, form);
  // WGSL's exp(-75) may be off by 150 units in the last place.
  expectClose(h, gluRef(null, x, 'silu'), { rtol: 8e-7 });
  const broken = Float32Array.of(NaN, Infinity, -120);
  const { h: odd } = await run('f32', null, broken, broken, form);
  expect([...odd]).toEqual([NaN, Infinity, expect.closeTo(0, 30)]);
});

it.each([
  ['gelu', 1, 0.8413447460685429],
  ['gelu', -2, -0.04550026389635842],
  ['gelu_tanh', 1, 0.8411919906082768],
  ['gelu_tanh', -2, -0.04540230591222494],
  ['silu', 1, 0.7310585786300049],
  ['relu2', 3, 9],
] as const)('%s of %f is what PyTorch says', (activation, x, value) => {
  expect(activationRef(x, activation).value).toBeCloseTo(value, 14);
});
