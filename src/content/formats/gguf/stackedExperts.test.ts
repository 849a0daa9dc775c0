import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyMoeGguf } from '../../../testing/gguf.ts';
import { openCheckpoint } from '../checkpoint.ts';
import { readJsonObject } from '../text.ts';
import { ggufFolder } from './ggufFolder.ts';
import { openGguf } from './ggufFile.ts';

const source = (bytes: Uint8Array) => bytesSource('moe.gguf', bytes);
const open = (bytes: Uint8Array) => ggufFolder(source(bytes));

describe('a GGUF file with experts', () => {
  it('is a model folder whose experts are apart, each with its own bytes', async () => {
    const bytes = tinyMoeGguf();
    const { header } = await openGguf(source(bytes));
    const stack = header.tensors.get('blk.0.ffn_down_exps.weight')!;
    // The first block of the last expert: a scale of 1 in F16, and one code.
    const at = header.dataStart + stack.begin + ((stack.end - stack.begin) / 3) * 2;
    bytes.set([0x00, 0x3c, 5], at);
    const folder = await open(bytes);
    expect(folder.gguf.types).toEqual([
      { type: 'Q8_0', tensors: 3 },
      { type: 'F32', tensors: 11 },
    ]);
    expect(await readJsonObject(folder, 'config.json')).toMatchObject({
      model_type: 'qwen3_moe',
      num_experts: 3,
      num_experts_per_tok: 2,
      moe_intermediate_size: 64,
      norm_topk_prob: true,
      mlp_only_layers: [],
    });
    const checkpoint = await openCheckpoint(folder);
    const experts = [...checkpoint.tensors.keys()].filter((name) => name.includes('.experts.'));
    expect(experts).toHaveLength(9);
    const name = (expert: number) => `model.layers.0.mlp.experts.${expert}.down_proj.weight`;
    expect(checkpoint.get(name(2)).info).toMatchObject({ dtype: 'F16', shape: [32, 64] });
    const first = async (expert: number) => [...(await checkpoint.readRange(name(expert), 0, 4))];
    // 5 in F16.
    expect(await first(2)).toEqual([0x00, 0x45, 0, 0]);
    expect(await first(1)).toEqual([0, 0, 0, 0]);
  });

  it('with scaled weights is refused by its key', async () => {
    const key = 'qwen3moe.expert_weights_scale';
    const bytes = tinyMoeGguf([{ key, type: 'f32', value: 2.5 }]);
    const params = { key, problem: 'Graft does not scale the weights of experts' };
    await expectGraftError(() => open(bytes), 'formats.gguf_value', params);
  });

  it.each([
    ['more', [4, 64, 32]],
    ['other', [64, 32]],
  ])('with %s matrices than its key says is refused by its tensor', async (_name, shape) => {
    const params = { tensor: 'blk.0.ffn_gate_exps.weight', problem: 'it is no stack of 3 matrices' };
    await expectGraftError(() => open(tinyMoeGguf([], shape)), 'formats.gguf_tensor', params);
  });
});
