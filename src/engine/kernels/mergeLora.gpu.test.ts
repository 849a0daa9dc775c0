import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../base/lib/floats.ts';
import { readBytes, uploadBytes } from '../gpu/transfer.ts';
import { randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { submit } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { mergeLora } from './mergeLora.ts';
import { mergeLoraRef, roundTo, ulpOf } from './mergeLora.ref.ts';
import type { FloatFormat } from './weight.ts';

type Bits = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

const narrow = (values: Float32Array<ArrayBuffer>, format: FloatFormat): Bits =>
  format === 'f16'
    ? f32ToF16(values)
    : format === 'bf16'
      ? f32ToBf16(values)
      : new Uint32Array(values.slice().buffer);
const widen = (bits: Bits, format: FloatFormat): Float32Array =>
  format === 'f32'
    ? new Float32Array(bits.slice().buffer)
    : (format === 'f16' ? f16ToF32 : bf16ToF32)(bits as Uint16Array);

/** Merges on the GPU; w and the result are bit patterns in the format. */
async function merge(
  w: Bits,
  a: Float32Array,
  b: Float32Array,
  options: { format: FloatFormat; rows: number; cols: number; rank: number; scale: number },
): Promise<Bits> {
  const gpu = await testGpu();
  const { format, rows, cols, rank } = options;
  const words = Math.ceil(w.byteLength / 4);
  const stored = zeros(gpu, [words], 'u32');
  uploadBytes(gpu, stored, new Uint8Array(w.buffer));
  const out = tensorOf(gpu, new Uint32Array(words).fill(0xdeadbeef), [words]);
  const factors = { a: tensorOf(gpu, a, [rank, cols]), b: tensorOf(gpu, b, [rows, rank]) };
  submit(gpu, (commands) => mergeLora(commands, { w: stored, ...factors, out, ...options }));
  const bytes = await readBytes(gpu, out);
  const bits = format === 'f32' ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  // The half word after an odd number of elements.
  expect([...bits.slice(w.length)].every((half) => half === 0)).toBe(true);
  return bits.slice(0, w.length);
}

const formats: FloatFormat[] = ['f32', 'bf16', 'f16'];

describe.each(formats)('mergeLora in %s', (format) => {
  it.each([
    [1, 1, 1],
    [3, 5, 2],
    [7, 33, 8],
    [2, 1001, 5],
    [16, 64, 64],
  ])('of %i x %i with rank %i is one rounding away from f64', async (rows, cols, rank) => {
    const scale = 0.5;
    const bits = narrow(randomArray(1, rows * cols, 0.1), format);
    const a = randomArray(2, rank * cols, 0.2);
    const b = randomArray(3, rows * rank, 0.2);
    b.fill(0, 0, rank); // the first row has no update
    const result = await merge(bits, a, b, { format, rows, cols, rank, scale });
    expect(result.slice(0, cols)).toEqual(bits.slice(0, cols));
    const w = widen(bits, format);
    const exact = mergeLoraRef(w, a, b, cols, rank, scale);
    // Bound of the error of f32 arithmetic before the one rounding.
    const slack = mergeLoraRef(w.map(Math.abs), a.map(Math.abs), b.map(Math.abs), cols, rank, scale);
    const merged = widen(result, format);
    const wrong = [...merged.keys()].filter((i) => {
      const error = slack[i]! * 2 ** -23 * Math.sqrt(rank + 3);
      return (
        merged[i]! < roundTo(exact[i]! - error, format) || merged[i]! > roundTo(exact[i]! + error, format)
      );
    });
    expect(wrong.map((i) => [merged[i], exact[i], ulpOf(exact[i]!, format)])).toEqual([]);
    // Every other row has an update.
    expect(result.slice(cols).some((element, i) => element !== bits[cols + i])).toBe(rows > 1);
  });
});

describe.each(['bf16', 'f16'] as const)('mergeLora of all 65,536 patterns of %s', (format) => {
  const patterns = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const values = widen(patterns, format);

  it('preserves every bit where B is 0', async () => {
    const [rows, cols, rank] = [128, 512, 3];
    const b = new Float32Array(rows * rank);
    const a = randomArray(4, rank * cols);
    expect(await merge(patterns, a, b, { format, rows, cols, rank, scale: 2 })).toEqual(patterns);
  });

  it.each([0.5, 1.5, 0.25, 0.75, -0.5, -1])('rounds an update of %d ulp to nearest even', async (ulps) => {
    // One row, so that A is the update of every element; f32 holds the sum exactly.
    const update = Float32Array.from(values, (w) => (Number.isFinite(w) ? ulps * ulpOf(w, format) : 1));
    const size = { format, rows: 1, cols: 65_536, rank: 1, scale: 1 };
    const merged = widen(await merge(patterns, update, Float32Array.of(1), size), format);
    const wrong = [...values.keys()].filter((i) => {
      const w = values[i]!;
      if (Number.isNaN(w)) return !Number.isNaN(merged[i]!);
      // WGSL may flush subnormal f32, which small bf16 sums are.
      if (format === 'bf16' && Math.abs(w) < 2 ** -115) return false;
      return merged[i] !== roundTo(w + update[i]!, format);
    });
    expect(wrong.map((i) => [values[i], update[i], merged[i]])).toEqual([]);
  });
});
