import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatsOf, openCase, fixtureNames } from '../../../testing/quantizedFixtures.ts';
import { codebooks } from './codebooks.ts';
import { dequantizeBnbRef, nestedAbsmaxRef } from './dequantize.ref.ts';
import { dynamicMap } from './dynamicMap.ts';
import { nestAbsmaxRef, quantizeNf4Ref } from './nf4.ref.ts';

const cases = fixtureNames('bnb-nf4');

describe('quantizeNf4Ref', () => {
  it.each(cases)('gives the codes and absmax of %s, bit for bit', async (name) => {
    const { checkpoint, quantization } = await openCase(name);
    const { codes, absmax } = quantizeNf4Ref(await floatsOf(checkpoint, 'source'));
    expect(codes).toEqual(await checkpoint.read('proj.weight'));
    const nested = quantization.method === 'bitsandbytes' && quantization.doubleQuant;
    expect(absmax).toEqual(await floatsOf(checkpoint, nested ? 'plain_absmax' : 'proj.weight.absmax'));
  });

  it('gives a block of zeros the code of zero', () => {
    const { codes, absmax } = quantizeNf4Ref(new Float32Array(65));
    expect(new Set(codes)).toEqual(new Set([0x77]));
    expect([...absmax]).toEqual([0, Math.fround(1e-38)]);
  });

  it('rounds halfway down and what is above it up', () => {
    const levels = codebooks.nf4;
    for (let code = 0; code < 15; code++) {
      const half = Math.fround(levels[code]! + levels[code + 1]!) / 2;
      const above = new Float32Array(
        new Int32Array(new Float32Array([half]).buffer).map((bits) => bits + Math.sign(half)).buffer,
      );
      const block = new Float32Array(64);
      block.set([1, half, above[0]!]);
      const { codes } = quantizeNf4Ref(block);
      expect([codes[0]! & 15, codes[1]! >> 4]).toEqual([code, code + 1]);
    }
  });

  it('is at most half a step from what it quantizes', () => {
    const float = fc.float({ noNaN: true, min: -4, max: 4 });
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 200 }), (list) => {
        const values = Float32Array.from(list);
        const { codes, absmax } = quantizeNf4Ref(values);
        const back = dequantizeBnbRef(codes, absmax, 'nf4', 64, values.length);
        // The widest gap of the codebook is from -1 to -0.696.
        for (const [i, value] of values.entries()) {
          expect(Math.abs(value - back[i]!)).toBeLessThanOrEqual(0.152 * absmax[i >> 6]!);
        }
      }),
    );
  });
});

describe('nestAbsmaxRef', () => {
  const nested = fixtureNames('bnb').filter((name) => name.includes('nested'));

  it.each(nested)('gives the nearest codes of %s', async (name) => {
    const { checkpoint } = await openCase(name);
    const tensor = Object.keys(Object.fromEntries(checkpoint.tensors)).find((key) =>
      key.includes('quant_state'),
    )!;
    const state = JSON.parse(new TextDecoder().decode(await checkpoint.read(tensor))) as {
      nested_offset: number;
    };
    const plain = await floatsOf(checkpoint, 'plain_absmax');
    const { codes, absmax } = nestAbsmaxRef(plain, state.nested_offset);
    expect(codes).toEqual(await checkpoint.read('nearest_nested_codes'));
    const theirs = await checkpoint.read('proj.weight.absmax');
    for (const [i, code] of codes.entries()) expect(Math.abs(code - theirs[i]!)).toBeLessThanOrEqual(1);
    expect(absmax).toEqual(await floatsOf(checkpoint, 'proj.weight.nested_absmax'));
    // bitsandbytes' mean is a sum in f32.
    const { offset } = nestAbsmaxRef(plain);
    expect(Math.abs(offset / state.nested_offset - 1)).toBeLessThan(2e-7);
  });

  it('comes back within half a step of the map', () => {
    const absmax = Float32Array.from({ length: 600 }, (_, i) => 0.02 + 0.01 * Math.sin(i));
    const { codes, absmax: second, offset } = nestAbsmaxRef(absmax);
    expect(second).toHaveLength(3);
    const back = nestedAbsmaxRef(codes, dynamicMap(true), second, 256, offset);
    for (const [i, value] of absmax.entries()) {
      expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(0.0071 * second[i >> 8]!);
    }
  });
});
