import { describe, expect, it } from 'vitest';
import { Checkpoint } from '../../../../content/formats/checkpoint.ts';
import { describeStored } from '../../../../content/formats/quantized/describeStored.ts';
import { nestAbsmaxRef, quantizeNf4Ref } from '../../../../content/formats/quantized/nf4.ref.ts';
import { encodeFloats, decodeFloats } from '../../../../base/lib/floats.ts';
import { openSafetensors } from '../../../../content/formats/safetensors.ts';
import { encodeSafetensors } from '../../../../content/formats/safetensorsWriter.ts';
import type { Gpu } from '../../../gpu/device.ts';
import { readBytes, readFloats } from '../../../gpu/transfer.ts';
import { dequantize } from '../../../kernels/dequantize.ts';
import type { Weight } from '../../../kernels/weight.ts';
import { bytesSource } from '../../../../base/storage/byteSource.ts';
import { randomArray } from '../../../../testing/compare.ts';
import { testGpu } from '../../../../testing/gpu.ts';
import { withMaxBinding } from '../../../../testing/passes.ts';
import { submit } from '../../../../testing/kernels.ts';
import { fixtureNames, floatsOf, openCase } from '../../../../testing/quantizedFixtures.ts';
import { zeros } from '../../../../testing/tensors.ts';
import { loadBnbMatrix } from './bnbMatrix.ts';
import { loadInt4Matrix } from './int4Matrix.ts';
import { LoadContext } from './loadContext.ts';
import { loadNf4Matrix } from './nf4Matrix.ts';

/** All values of a weight, dequantized by the kernel for all encodings. */
async function valuesOf(gpu: Gpu, { rows, cols, chunks }: Weight): Promise<Float32Array> {
  const values = new Float32Array(rows * cols);
  for (const chunk of chunks) {
    const out = zeros(gpu, [chunk.rows, cols]);
    submit(gpu, (commands) => dequantize(commands, { chunk, row: 0, rows: chunk.rows, out }));
    values.set(await readFloats(gpu, out), chunk.rowStart * cols);
  }
  return values;
}

/** Largest difference in f32 ulps; −0 equals 0. */
function worstUlp(actual: Float32Array, expected: Float32Array): number {
  return actual.reduce((worst, value, i) => {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(expected[i]!) || 2 ** -126)) - 23);
    return Math.max(worst, Math.abs(value - expected[i]!) / unit);
  }, 0);
}

describe('matrices quantized by other libraries', () => {
  it.each([...fixtureNames('bnb'), ...fixtureNames('gptq'), ...fixtureNames('awq')])('%s', async (name) => {
    const gpu = await testGpu();
    const { checkpoint, quantization, module, rows, cols } = await openCase(name);
    const expected = await floatsOf(checkpoint, 'expected');
    const stored = await describeStored(checkpoint, quantization, module, rows, cols);
    const context = new LoadContext(gpu, checkpoint);
    const size = [rows, cols] as const;
    if (stored.kind === 'float') throw new Error('a fixture is quantized');
    const weight =
      stored.kind === 'bnb'
        ? await loadBnbMatrix(context, stored, size)
        : await loadInt4Matrix(context, stored, size, quantization);
    context.finish();
    const { dtype } = checkpoint.get('expected').info;
    const values = await valuesOf(gpu, weight);
    context.dispose();
    // One fixture was dequantized to bf16: ours is equal after the same rounding.
    const rounded = dtype === 'F32' ? values : decodeFloats(encodeFloats(values, dtype), dtype);
    expect(worstUlp(rounded, expected)).toBeLessThanOrEqual(1);
  });
});

describe('quantizing to NF4', () => {
  it.each(fixtureNames('bnb-nf4'))('%s: codes and absmax match bitsandbytes', async (name) => {
    const gpu = await testGpu();
    const { checkpoint, module, rows, cols } = await openCase(name);
    const source = checkpoint.get('source').info;
    const values = await floatsOf(checkpoint, 'source');
    const context = new LoadContext(gpu, checkpoint);
    const matrix = { kind: 'float', tensor: 'source', dtype: source.dtype } as const;
    const weight = await loadNf4Matrix(context, matrix, [rows, cols], false);
    context.finish();
    const [chunk] = weight.chunks;
    const stored = await checkpoint.read(`${module}.weight`);
    const codes = new Uint32Array((await readBytes(gpu, chunk!.data)).buffer);
    const stride = Math.ceil(cols / 8);
    for (let i = 0; i < rows * cols; i++) {
      const word = codes[Math.floor(i / cols) * stride + ((i % cols) >> 3)]!;
      const byte = stored[i >> 1]!;
      const code = i % 2 === 0 ? byte >> 4 : byte & 15;
      if (((word >>> (4 * ((i % cols) & 7))) & 15) !== code) throw new Error(`code ${i} differs`);
    }
    const absmax = await readFloats(gpu, chunk!.scales!);
    expect(absmax).toEqual(quantizeNf4Ref(values).absmax);
    context.dispose();
  });

  it.each([
    ['BF16', 150, 172],
    ['F32', 384, 64],
    ['F16', 300, 40],
    ['F32', 7, 13],
  ] as const)('%s %i x %i with nested absmax, whole and in chunks', async (dtype, rows, cols) => {
    const gpu = await testGpu();
    const bytes = encodeFloats(randomArray(3, rows * cols), dtype);
    const values = decodeFloats(bytes, dtype);
    const file = encodeSafetensors([{ name: 'w', dtype, shape: [rows, cols], bytes }]);
    const checkpoint = new Checkpoint('made', [await openSafetensors(bytesSource('made', file))]);
    const { absmax } = quantizeNf4Ref(values);
    const nested = nestAbsmaxRef(absmax);
    const load = async (on: Gpu) => {
      const context = new LoadContext(on, checkpoint);
      const weight = await loadNf4Matrix(context, { kind: 'float', tensor: 'w', dtype }, [rows, cols], true);
      context.finish();
      const result = { values: await valuesOf(gpu, weight), weight, context };
      return result;
    };
    const whole = await load(gpu);
    const [chunk] = whole.weight.chunks;
    const codes = new Uint8Array((await readBytes(gpu, chunk!.scales!)).buffer);
    const own = await readFloats(gpu, chunk!.nested!);
    // The mean is summed in another order, so a code at a midpoint may differ by one.
    expect(Math.abs(own[0]! / nested.offset - 1)).toBeLessThan(2e-7);
    const wrong = nested.codes.filter((code, i) => Math.abs(code - codes[i]!) > 1);
    const off = nested.codes.filter((code, i) => code !== codes[i]!);
    expect(wrong.length).toBe(0);
    expect(off.length).toBeLessThanOrEqual(nested.codes.length / 100);
    // A limit of 16 KiB splits the larger matrices into several chunks.
    const split = await load(withMaxBinding(gpu, 8 * 1024));
    expect(split.values).toEqual(whole.values);
    whole.context.dispose();
    split.context.dispose();
  });
});
