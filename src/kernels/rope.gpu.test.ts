import { describe, expect, it } from 'vitest';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../testing/compare.ts';
import { finiteDifference } from '../testing/finiteDifference.ts';
import { testGpu } from '../testing/gpu.ts';
import { tensorOf } from '../testing/tensors.ts';
import type { ElementType } from '../gpu/tensor.ts';
import { ropeRef } from './rope.ref.ts';
import { rope } from './rope.ts';
import { ropeFrequencies } from './ropeFrequencies.ts';

const shapes = [
  [1, 1, 2],
  [1, 3, 64],
  [7, 2, 12],
  [33, 5, 80],
] as const;

async function rotated(
  x: Float32Array,
  positions: Uint32Array,
  frequencies: Float32Array,
  heads: number,
  { inverse = false, type = 'f32' as ElementType } = {},
) {
  const gpu = await testGpu();
  const headDim = 2 * frequencies.length;
  const rows = positions.length;
  const tensor = tensorOf(gpu, x, [rows, heads, headDim], type);
  const inverseFrequencies = tensorOf(gpu, frequencies, [headDim / 2]);
  const commands = gpu.commands();
  rope(commands, {
    x: tensor,
    positions: tensorOf(gpu, positions, [rows]),
    inverseFrequencies,
    rows,
    heads,
    headDim,
    inverse,
  });
  commands.submit();
  return readFloats(gpu, tensor);
}

describe.each(shapes)('rope of %i x %i x %i', (rows, heads, headDim) => {
  const x = randomArray(1, rows * heads * headDim);
  const frequencies = ropeFrequencies({ headDim, theta: 10000 });
  // Two packed sequences: positions start again.
  const positions = Uint32Array.from({ length: rows }, (_, t) => (t < 3 ? t : t - 3));

  it.each([false, true])('equals the reference (inverse: %s)', async (inverse) => {
    const expected = ropeRef(x, positions, frequencies, heads, inverse);
    expectClose(await rotated(x, positions, frequencies, heads, { inverse }), expected, { atol: 2e-6 });
  });

  it('in f16 equals the reference on the rounded values', async () => {
    const gpu = await testGpu();
    if (!gpu.hasF16) return; // SwiftShader has none
    const rounded = await readFloats(gpu, tensorOf(gpu, x, [x.length], 'f16'));
    const expected = ropeRef(rounded, positions, frequencies, heads);
    expectClose(await rotated(x, positions, frequencies, heads, { type: 'f16' }), expected, {
      atol: 1e-6,
      rtol: 1e-3,
    });
  });

  it('the inverse of the reference is its gradient', () => {
    const dy = randomArray(2, x.length);
    const loss = (at: ArrayLike<number>) =>
      ropeRef(at, positions, frequencies, heads).reduce((s, v, i) => s + v * dy[i]!, 0);
    const gradient = ropeRef(dy, positions, frequencies, heads, true);
    for (const i of [0, Math.floor(x.length / 2), x.length - 1]) {
      expect(gradient[i]).toBeCloseTo(finiteDifference(loss, x, i), 6);
    }
  });
});

describe('at far positions', () => {
  const positions = Uint32Array.of(0, 1, 4095, 8192, 20011, 32749, 32767, 131071);
  const cases = {
    'theta 10,000': ropeFrequencies({ headDim: 128, theta: 10000 }),
    'theta 1,000,000': ropeFrequencies({ headDim: 128, theta: 1e6 }),
    // Powers of two and numbers about them take every way through the phase's shifts.
    'frequencies of all sizes': Float32Array.from(
      { length: 64 },
      (_, i) => 2 ** (24 - i) * (1 + (i % 5) / 7),
    ),
  };

  it.each(Object.keys(cases) as (keyof typeof cases)[])(
    'is within 8e-6 of f64 up to 32,767 radians with %s',
    async (name) => {
      const frequencies = cases[name];
      const headDim = 2 * frequencies.length;
      const x = Float32Array.from({ length: positions.length * headDim }, (_, i) =>
        i % headDim < headDim / 2 ? 1 : 0,
      );
      const actual = await rotated(x, positions, frequencies, 1);
      const expected = ropeRef(x, positions, frequencies, 1);
      const slow = (i: number) =>
        positions[Math.floor(i / headDim)]! * frequencies[i % frequencies.length]! < 2e5;
      // Above 200,000 radians the constant 2³⁴/2π of 32 bits no longer suffices: those only have to be rotations.
      expectClose(
        actual.filter((_, i) => slow(i)),
        expected.filter((_, i) => slow(i)),
        { atol: 4e-5 },
      );
      for (let row = 0; row < positions.length; row++) {
        for (let i = 0; i < frequencies.length; i++) {
          const at = row * headDim + i;
          expect(Math.hypot(actual[at]!, actual[at + frequencies.length]!)).toBeCloseTo(1, 5);
        }
      }
      const near = (i: number) =>
        positions[Math.floor(i / headDim)]! * frequencies[i % frequencies.length]! <= 32767;
      expectClose(
        actual.filter((_, i) => near(i)),
        expected.filter((_, i) => near(i)),
        { atol: 8e-6 },
      );
    },
  );
});
