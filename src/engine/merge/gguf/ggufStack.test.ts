import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { encodeFloats } from '../../../base/lib/floats.ts';
import type { CheckpointTensor } from '../../../content/formats/checkpoint.ts';
import { ggufArchitecture } from '../../../content/formats/gguf/architectures.ts';
import { skipping, type OutputTensor } from '../outputTensor.ts';
import { ggufStack } from './ggufStack.ts';

const [rows, cols] = [3, 5];
const valuesOf = (expert: number) => Float32Array.from({ length: rows * cols }, (_, i) => 100 * expert + i);

/** An expert's matrix, in blocks that end within rows. */
function matrix(expert: number): OutputTensor {
  const bytes = encodeFloats(valuesOf(expert), 'F32');
  async function* whole() {
    yield await Promise.resolve(bytes.slice(0, 12));
    yield bytes.slice(12);
  }
  const name = `model.layers.1.mlp.experts.${expert}.up_proj.weight`;
  return {
    entry: { name, dtype: 'F32', shape: [rows, cols], byteLength: bytes.byteLength },
    from: {} as CheckpointTensor,
    matrix: null,
    trained: null,
    converted: null,
    blocks: (start) => skipping(whole(), start),
  };
}

async function read(blocks: AsyncIterable<Uint8Array<ArrayBuffer>>) {
  const found: Uint8Array[] = [];
  for await (const block of blocks) found.push(block.slice());
  return concatBytes(found);
}

describe('experts as one tensor', () => {
  const from = [matrix(0), matrix(1), matrix(2)] as const;
  const plan = ggufStack(ggufArchitecture('qwen3moe')!, { heads: 2, kvHeads: 2 }, from, 'F32', false);
  const expected = concatBytes([
    ...[0, 1, 2].map((expert) => encodeFloats(valuesOf(expert), 'F32')),
    new Uint8Array(12),
  ]);

  it('have their shape, and padding behind the last alone', async () => {
    expect(plan.entry).toEqual({ name: 'blk.1.ffn_up_exps.weight', type: 'F32', shape: [3, rows, cols] });
    expect(plan.written.entry.byteLength).toBe(192);
    expect(await read(plan.written.blocks())).toEqual(expected);
  });

  it.each([1, 59, 60, 61, 119, 120, 179, 180, 185, 192])('are the same from byte %i on', async (start) => {
    expect(await read(plan.written.blocks(start))).toEqual(expected.subarray(start));
  });
});
