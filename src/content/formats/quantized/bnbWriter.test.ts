import { describe, expect, it } from 'vitest';
import {
  checkpointOf,
  fixtureNames,
  floatsOf,
  openCase,
  openFixture,
  type StoredTensor,
} from '../../../testing/quantizedFixtures.ts';
import { encodeFloats } from '../../../base/lib/floats.ts';
import {
  nestedMapBytes,
  nf4Entries,
  nf4Names,
  quantizationConfigJson,
  quantMapBytes,
  quantStateBytes,
  type Nf4Shape,
} from './bnbWriter.ts';
import { parseQuantization } from './quantizationConfig.ts';
import { dequantizeBnbRef, dequantizeRef, nestedAbsmaxRef } from './dequantize.ref.ts';
import { describeStored } from './describeStored.ts';
import { dynamicMap } from './dynamicMap.ts';
import { nestAbsmaxRef, quantizeNf4Ref } from './nf4.ref.ts';

/** The tensors of a matrix, quantized and written. */
function written(values: Float32Array, shape: Nf4Shape, offset?: number): StoredTensor[] {
  const { codes, absmax } = quantizeNf4Ref(values);
  const second = shape.nested ? nestAbsmaxRef(absmax, offset) : null;
  const names = nf4Names(shape.tensor);
  const bytes = new Map([
    [names.codes, codes],
    [names.absmax, second === null ? encodeFloats(absmax, 'F32') : second.codes],
    [names.map, quantMapBytes()],
    [names.nestedAbsmax, encodeFloats(second?.absmax ?? new Float32Array(), 'F32')],
    [names.nestedMap, nestedMapBytes()],
    [names.state, quantStateBytes(shape, second?.offset ?? null)],
  ]);
  return nf4Entries(shape).map((entry) => ({ ...entry, bytes: bytes.get(entry.name)! }));
}

describe('a written matrix', () => {
  it.each(fixtureNames('bnb-nf4'))('is what bitsandbytes wrote in %s', async (name) => {
    const { checkpoint, quantization, rows, cols } = await openCase(name);
    const stored = await describeStored(checkpoint, quantization, 'proj', rows, cols);
    if (stored.kind !== 'bnb') throw new Error('not bitsandbytes');
    const dtype = stored.dtype as Nf4Shape['dtype'];
    const shape = { tensor: 'proj.weight', rows, cols, dtype, nested: stored.nested !== null };
    const tensors = written(await floatsOf(checkpoint, 'source'), shape, stored.nested?.offset);
    for (const { name: tensor, bytes, ...entry } of tensors) {
      const theirs = await checkpoint.read(tensor);
      if (tensor.includes('quant_state')) {
        const text = new TextDecoder().decode(bytes);
        expect(text.trimEnd()).toBe(new TextDecoder().decode(theirs));
        expect(entry.shape).toEqual([text.length]);
        continue;
      }
      const { dtype: theirDtype, shape: theirShape } = checkpoint.get(tensor).info;
      expect(entry).toEqual({ dtype: theirDtype, shape: theirShape });
      expect(bytes).toEqual(theirs);
    }
    const own = [...checkpoint.tensors.keys()].filter((tensor) => tensor.startsWith('proj.weight'));
    expect(tensors.map((tensor) => tensor.name).sort()).toEqual(own.sort());
  });

  it.each([false, true])('is read again (nested: %s)', async (nested) => {
    const shape = { tensor: 'a.weight', rows: 24, cols: 40, dtype: 'F16', nested } as const;
    const values = Float32Array.from({ length: 960 }, (_, i) => Math.sin(i * i) * (1 + (i % 7)));
    const checkpoint = await checkpointOf(written(values, shape));
    const quantization = parseQuantization(quantizationConfigJson({ nested, computeDtype: 'F16' }));
    const stored = await describeStored(checkpoint, quantization, 'a', 24, 40);
    const { codes, absmax } = quantizeNf4Ref(values);
    const second = nestAbsmaxRef(absmax);
    const scales = nested
      ? nestedAbsmaxRef(second.codes, dynamicMap(true), second.absmax, 256, second.offset)
      : absmax;
    expect(await dequantizeRef(checkpoint, quantization, stored, 24, 40)).toEqual(
      dequantizeBnbRef(codes, scales, 'nf4', 64, 960),
    );
  });
});

describe('quantStateBytes', () => {
  it('has one length for every offset', () => {
    const shape = { tensor: 'a', rows: 3, cols: 5, dtype: 'BF16', nested: true } as const;
    const [size] = nf4Entries(shape).at(-1)!.shape;
    const offsets = [0, 1, 0.1, Math.fround(1.1e-6), Math.fround(1.2345e-30), 1e-45, 3.4028234e38, 65504];
    for (const offset of offsets) {
      const bytes = quantStateBytes(shape, offset);
      expect(bytes).toHaveLength(size!);
      expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({
        quant_type: 'nf4',
        blocksize: 64,
        dtype: 'bfloat16',
        shape: [3, 5],
        nested_blocksize: 256,
        nested_dtype: 'float32',
        nested_offset: Math.fround(offset),
      });
    }
  });
});

describe('quantizationConfigJson', () => {
  it.each([
    ['bnb-nf4-plain-bf16-96x40', false],
    ['bnb-nf4-nested-bf16-96x40', true],
  ])('has the fields of transformers’ own in %s', async (name, nested) => {
    const { config } = await openCase(name);
    const { llm_int8_threshold: threshold, ...others } = config;
    expect(threshold).toBe(6);
    expect(quantizationConfigJson({ nested, computeDtype: 'F32' })).toEqual(others);
  });
});

it('writes the maps of the library', async () => {
  const maps = await openFixture('dynamic-maps');
  expect(nestedMapBytes()).toEqual(await maps.read('signed'));
});
