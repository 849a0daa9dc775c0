import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeSource } from '../../../base/storage/nodeFolder.ts';
import { dequantizeBlocks, unpackedTypes } from './dequantize.ts';
import { openGguf } from './ggufFile.ts';
import { ggmlType } from './ggmlTypes.ts';
import { quantizeRows, type WrittenType } from './quantize.ts';

const file = await openGguf(await nodeSource(join(import.meta.dirname, 'fixtures', 'types.gguf')));
const bytesOf = (name: string) => {
  const tensor = file.tensors.get(name)!;
  return file.readRange(tensor, 0, tensor.end - tensor.begin);
};
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);
const valuesOf = async (name: string) => new Float32Array((await bytesOf(name)).buffer);

describe('blocks', () => {
  it.each(unpackedTypes)('of %s are unpacked as gguf-py does, to the bit', async (name) => {
    const values = dequantizeBlocks(await bytesOf(`${name}.stored`), ggmlType(name));
    expect(values.length).toBe(512);
    expect(bitsOf(values)).toEqual(bitsOf(await valuesOf(`${name}.values`)));
  });

  const written: WrittenType[] = ['F16', 'BF16', 'Q8_0', 'Q4_0', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K'];
  it.each(written)('of %s are quantized as ggml does, to the bit', async (name) => {
    const input = await valuesOf('input');
    expect(quantizeRows(input, name)).toEqual(await bytesOf(`${name}.quantized`));
  });
});
