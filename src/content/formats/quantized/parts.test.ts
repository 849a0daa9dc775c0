import { describe, expect, it } from 'vitest';
import { fixtureNames, openCase } from '../../../testing/quantizedFixtures.ts';
import { readBnbElements } from './bnbElements.ts';
import { dequantizeRef } from './dequantize.ref.ts';
import { describeStored } from './describeStored.ts';
import { readInt4Rows } from './int4Rows.ts';

async function openStored(name: string) {
  const { checkpoint, quantization, module, rows, cols } = await openCase(name);
  const stored = await describeStored(checkpoint, quantization, module, rows, cols);
  const whole = await dequantizeRef(checkpoint, quantization, stored, rows, cols);
  return { checkpoint, quantization, stored, rows, cols, whole };
}

describe('a part of a matrix', () => {
  it.each(fixtureNames('bnb'))('of %s is that of the whole', async (name) => {
    const { checkpoint, stored, rows, cols, whole } = await openStored(name);
    if (stored.kind !== 'bnb') return expect.fail('not bitsandbytes');
    const count = rows * cols;
    for (const [start, end] of [
      [0, 1],
      [cols, 2 * cols],
      [63, 65],
      [count - cols, count],
      [0, count],
    ] as const) {
      const part = await readBnbElements(checkpoint, stored, start, end - start);
      expect(part).toEqual(whole.slice(start, end));
    }
  });

  it.each(['gptq', 'awq'].flatMap(fixtureNames))('of %s is that of the whole', async (name) => {
    const { checkpoint, quantization, stored, rows, cols, whole } = await openStored(name);
    if (stored.kind !== 'gptq' && stored.kind !== 'awq') return expect.fail('not int4');
    const wanted = [0, 1, 7, rows - 1];
    const found = await readInt4Rows(checkpoint, quantization, stored, [rows, cols], wanted);
    for (const row of wanted) expect(found.get(row)).toEqual(whole.slice(row * cols, (row + 1) * cols));
  });
});
