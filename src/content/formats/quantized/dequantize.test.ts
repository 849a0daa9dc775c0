import { describe, expect, it } from 'vitest';
import { floatsOf, openCase, fixtureNames } from '../../../testing/quantizedFixtures.ts';
import { encodeFloats, decodeFloats } from '../../../base/lib/floats.ts';
import { dequantizeBnbRef, dequantizeRef } from './dequantize.ref.ts';
import { describeStored } from './describeStored.ts';

const cases = ['bnb', 'gptq', 'awq'].flatMap(fixtureNames);

describe('dequantizeRef', () => {
  it('has cases of every format', () => {
    expect(cases.length).toBeGreaterThanOrEqual(16);
  });

  it.each(cases)('gives the numbers of the library that wrote %s', async (name) => {
    const { checkpoint, quantization, module, rows, cols } = await openCase(name);
    const stored = await describeStored(checkpoint, quantization, module, rows, cols);
    const values = await dequantizeRef(checkpoint, quantization, stored, rows, cols);
    const expected = await floatsOf(checkpoint, 'expected');
    expect(expected).toHaveLength(rows * cols);
    // In one case the library rounded to bf16. It gives -0 where FP4 has a second code for 0.
    const { dtype } = checkpoint.get('expected').info;
    const rounded = decodeFloats(encodeFloats(values, dtype), dtype);
    expect(rounded.map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
  });

  it('takes the first code from the high nibble', () => {
    const values = dequantizeBnbRef(new Uint8Array([0xf0, 0x7f]), new Float32Array([2]), 'nf4', 64, 3);
    expect([...values]).toEqual([2, -2, 0]);
  });
});
