import { expect, it } from 'vitest';
import { decodeFloats } from '../../base/lib/floats.ts';
import { createRandom } from '../../base/lib/random.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { newPeftConfig, type PeftModule } from './peft.ts';
import { writeMlxAdapter } from './mlxAdapter.ts';
import { openSafetensors } from './safetensors.ts';
import { readJsonObject } from './text.ts';

const random = createRandom(5);
const values = (length: number) => Float32Array.from({ length }, () => random.next() - 0.5);
const module = (rank: number, scale: number, inFeatures: number, outFeatures: number): PeftModule => ({
  rank,
  scale,
  a: values(rank * inFeatures),
  b: values(outFeatures * rank),
  inFeatures,
  outFeatures,
});

/** scale · B · A, `[outFeatures, inFeatures]`, of either order of the two. */
function update(
  [a, b]: [ArrayLike<number>, ArrayLike<number>],
  { rank, scale, inFeatures, outFeatures }: Omit<PeftModule, 'a' | 'b'>,
  isTransposed: boolean,
): number[] {
  return Array.from({ length: outFeatures * inFeatures }, (_, i) => {
    const [row, col] = [Math.floor(i / inFeatures), i % inFeatures];
    let sum = 0;
    for (let k = 0; k < rank; k++)
      sum += isTransposed
        ? a[col * rank + k]! * b[k * outFeatures + row]!
        : a[k * inFeatures + col]! * b[row * rank + k]!;
    return scale * sum;
  });
}

it('has one rank and one scale for all modules, and does what the adapter does', async () => {
  const modules = {
    'model.layers.1.mlp.down_proj': module(2, 0.5, 11, 5),
    'model.layers.0.self_attn.q_proj': module(3, 0, 5, 7),
    lm_head: module(1, 4, 5, 13),
  };
  const folder = nodeFolder(scratchFolder());
  const adapter = { config: newPeftConfig(), modules: new Map(Object.entries(modules)) };
  expect(await writeMlxAdapter(folder, adapter)).toBe(3);
  const config = await readJsonObject(folder, 'adapter_config.json');
  expect(config).toEqual({
    fine_tune_type: 'lora',
    num_layers: -1,
    lora_parameters: {
      rank: 3,
      scale: 4,
      dropout: 0,
      keys: ['lm_head', 'self_attn.q_proj', 'mlp.down_proj'],
    },
  });
  const file = await openSafetensors(await folder.open('adapters.safetensors'));
  expect(file.tensors.size).toBe(6);
  for (const [name, own] of Object.entries(modules)) {
    const read = async (half: string) => {
      const { begin, end } = file.get(`${name}.${half}`);
      return decodeFloats(await file.readRange(`${name}.${half}`, 0, end - begin), 'F32');
    };
    expect(file.get(`${name}.lora_a`).shape).toEqual([own.inFeatures, 3]);
    expect(file.get(`${name}.lora_b`).shape).toEqual([3, own.outFeatures]);
    const halves: [Float32Array, Float32Array] = [await read('lora_a'), await read('lora_b')];
    const written = update(halves, { ...own, rank: 3, scale: 4 }, true);
    const expected = update([own.a, own.b], own, false);
    written.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
  }
});
