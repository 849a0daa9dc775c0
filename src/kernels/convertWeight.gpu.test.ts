import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../formats/floats.ts';
import { readBytes } from '../gpu/transfer.ts';
import { randomIntegers } from '../testing/compare.ts';
import { testGpu } from '../testing/gpu.ts';
import { submit } from '../testing/kernels.ts';
import { tensorOf, zeros } from '../testing/tensors.ts';
import { convertWeight } from './convertWeight.ts';
import { roundTo } from './mergeLora.ref.ts';

/** f32 bit patterns: every place where rounding changes its rule, from both sides, then random ones. */
function patterns(): Uint32Array<ArrayBuffer> {
  const edges = [
    0, 1, 0x007fffff, 0x00800000, 0x32ffffff, 0x33000000, 0x33000001, 0x33800000, 0x33c00000, 0x33c00001,
    0x387fc000, 0x387fdfff, 0x387fe000, 0x387fffff, 0x38800000, 0x38801000, 0x38801001, 0x38803000,
    0x3f800000, 0x3f801000, 0x3f803000, 0x3f808000, 0x3f818000, 0x477fe000, 0x477fefff, 0x477ff000,
    0x477fffff, 0x47800000, 0x7f7effff, 0x7f7f7fff, 0x7f7f8000, 0x7f7fffff, 0x7f800000, 0x7f800001,
    0x7fc00000, 0x7fffffff,
  ];
  const next = randomIntegers(1);
  const anywhere = Array.from({ length: 4096 }, next);
  // Within the range of f16, its subnormals included, where random patterns are rare; with many exact ties.
  const near = Array.from({ length: 4096 }, (_, i) => {
    const bits = (((next() % 48) + 96) << 23) | (next() & 0x7fffff);
    return (i % 2 ? bits : bits & ~0xfff) >>> 0;
  });
  const signed = [...edges, ...edges.map((bits) => (bits | 0x80000000) >>> 0)];
  return Uint32Array.from([...signed, ...anywhere, ...near, 0x3f800000]);
}

describe.each(['f16', 'bf16'] as const)('convertWeight to %s', (format) => {
  it.each([1, 2, patterns().length])('rounds %i patterns as IEEE says', async (count) => {
    const gpu = await testGpu();
    const bits = patterns().slice(0, count);
    const packed = zeros(gpu, [Math.ceil(count / 2)], 'u32');
    const x = tensorOf(gpu, bits, [count]);
    submit(gpu, (commands) => convertWeight(commands, { x, packed, count, format }));
    const halves = new Uint16Array((await readBytes(gpu, packed)).buffer);
    // The half word beyond an odd number of elements.
    expect([...halves.slice(count)].every((half) => half === 0)).toBe(true);
    const values = new Float32Array(bits.buffer);
    const result = halves.slice(0, count);
    expect(result).toEqual(format === 'f16' ? f32ToF16(values) : f32ToBf16(values));
    // The same against real arithmetic, which shares no bit trick with either.
    const widened = (format === 'f16' ? f16ToF32 : bf16ToF32)(result);
    const wrong = [...values.keys()].filter((i) => {
      if (Number.isNaN(values[i])) return !Number.isNaN(widened[i]);
      return widened[i] !== roundTo(values[i]!, format);
    });
    expect(wrong.map((i) => [values[i], widened[i]])).toEqual([]);
  });
});
