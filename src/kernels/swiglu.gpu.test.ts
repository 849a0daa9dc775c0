import { describe, expect, it } from 'vitest';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../testing/compare.ts';
import { finiteDifference } from '../testing/finiteDifference.ts';
import { testGpu } from '../testing/gpu.ts';
import { asStored, submit, toleranceOf } from '../testing/kernels.ts';
import { tensorOf, zeros } from '../testing/tensors.ts';
import { swiglu, swigluBackward, swigluGradientStride } from './swiglu.ts';
import { swigluBackwardRef, swigluRef } from './swiglu.ref.ts';

const close = { atol: 1e-6, rtol: 1e-5 };
const types: ElementType[] = ['f32', 'f16'];

/** Rows as wide as they come to three of. */
const rowsOf = (count: number) => (count % 3 === 0 ? 3 : 1);

/** Gate and up of each row beside each other. */
function beside(rows: number, gate: ArrayLike<number>, up: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const width = gate.length / rows;
  return Float32Array.from({ length: 2 * gate.length }, (_, i) => {
    const [row, column] = [Math.floor(i / (2 * width)), i % (2 * width)];
    return column < width ? gate[row * width + column]! : up[row * width + column - width]!;
  });
}

async function run(type: ElementType, gate: Float32Array, up: Float32Array, dh: Float32Array) {
  const gpu = await testGpu();
  const count = gate.length;
  const rows = rowsOf(count);
  const width = count / rows;
  const gateUp = tensorOf(gpu, beside(rows, gate, up), [rows, 2 * width], type);
  const h = zeros(gpu, [rows, width], type);
  // What stands beside it is overwritten, where there is something.
  const stride = swigluGradientStride(type, width);
  const wide = stride === width ? dh : beside(rows, dh, randomArray(9, count));
  const gradient = tensorOf(gpu, wide, [rows, stride]);
  let d: Tensor | null = null;
  submit(gpu, (commands) => {
    swiglu(commands, { gateUp, h, rows, width });
    d = swigluBackward(commands, { gateUp, dh: gradient, rows, width });
  });
  return { h: await readFloats(gpu, h), d: await readFloats(gpu, d!) };
}

describe.each([1, 3, 255, 256, 999])('swiglu of %i', (count) => {
  it.each(types)('equals the reference forward and backward, %s', async (type) => {
    if (type === 'f16' && !(await testGpu()).hasF16) return;
    const gate = asStored(randomArray(1, count, 8), type);
    const up = asStored(randomArray(2, count, 2), type);
    const dh = randomArray(3, count);
    const { h, d } = await run(type, gate, up, dh);
    const expected = swigluBackwardRef(dh, gate, up);
    expectClose(h, swigluRef(gate, up), toleranceOf(type, close));
    expectClose(d, beside(rowsOf(gate.length), expected.dGate, expected.dUp), close);
  });
});

describe('swiglu far from zero', () => {
  it.each(types)('stays finite and exact, %s', async (type) => {
    if (type === 'f16' && !(await testGpu()).hasF16) return;
    const gate = Float32Array.of(100, -100, 1e4, -1e4, 6e4, -6e4, 0, -0);
    const up = gate.map((_, i) => 0.5 + i / 8);
    const dh = gate.map((_, i) => 1 - i / 4);
    const { h, d } = await run(type, gate, up, dh);
    const expected = swigluBackwardRef(dh, gate, up);
    expectClose(
      h,
      swigluRef(gate, up).map((v) => Math.min(v, type === 'f16' ? 65504 : v)),
      toleranceOf(type, close),
    );
    expectClose(d, beside(rowsOf(gate.length), expected.dGate, expected.dUp), close);
  });

  it('survives the largest f32 gates', async () => {
    const gate = Float32Array.of(3e38, -3e38);
    const ones = Float32Array.of(1, 1);
    const { h, d } = await run('f32', gate, ones, ones);
    expectClose(h, [gate[0]!, 0]);
    expectClose(d, [1, 0, gate[0]!, 0]);
  });
});

it('the reference backward of swiglu equals finite differences', () => {
  const gate = randomArray(4, 9, 6);
  const up = randomArray(5, 9);
  const dh = randomArray(6, 9);
  const { dGate, dUp } = swigluBackwardRef(dh, gate, up);
  const loss = (g: ArrayLike<number>, u: ArrayLike<number>) =>
    swigluRef(g, u).reduce((s, v, i) => s + v * dh[i]!, 0);
  for (let i = 0; i < 9; i++) {
    expect(dGate[i]).toBeCloseTo(
      finiteDifference((g) => loss(g, up), gate, i),
      6,
    );
    expect(dUp[i]).toBeCloseTo(
      finiteDifference((u) => loss(gate, u), up, i),
      6,
    );
  }
});
