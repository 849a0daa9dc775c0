import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyLfm2Gguf } from '../../../testing/gguf.ts';
import { openCheckpoint } from '../checkpoint.ts';
import { readJsonObject } from '../text.ts';
import { ggufFolder } from './ggufFolder.ts';
import type { GgufKey } from './ggufWriter.ts';

const open = (bytes: Uint8Array) => ggufFolder(bytesSource('lfm2.gguf', bytes));
const heads = (list: number[]): GgufKey => ({ key: 'lfm2.attention.head_count_kv', type: 'i32', list });
const u32 = (key: string, value: number): GgufKey => ({ key, type: 'u32', value });

describe('a GGUF file with short convolutions', () => {
  it('is a model folder: layers by their heads, sizes as they are, convolutions with their own shape', async () => {
    const folder = await open(tinyLfm2Gguf());
    expect(await readJsonObject(folder, 'config.json')).toEqual({
      architectures: ['Lfm2ForCausalLM'],
      model_type: 'lfm2',
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: 16,
      max_position_embeddings: 64,
      vocab_size: 4,
      norm_eps: 0.00001,
      rope_theta: 10_000,
      layer_types: ['conv', 'full_attention'],
      conv_L_cache: 3,
      conv_bias: false,
      block_auto_adjust_ff_dim: false,
      tie_word_embeddings: true,
      bos_token_id: null,
      eos_token_id: 3,
      pad_token_id: null,
      torch_dtype: 'float32',
    });
    const { tensors } = await openCheckpoint(folder);
    expect([...tensors.keys()].sort()).toEqual(
      [
        'model.embed_tokens',
        'model.embedding_norm',
        ...[0, 1].flatMap((layer) =>
          ['operator_norm', 'ffn_norm', 'feed_forward.w1', 'feed_forward.w2', 'feed_forward.w3'].map(
            (path) => `model.layers.${layer}.${path}`,
          ),
        ),
        ...['conv', 'in_proj', 'out_proj'].map((path) => `model.layers.0.conv.${path}`),
        ...['q_proj', 'k_proj', 'v_proj', 'out_proj', 'q_layernorm', 'k_layernorm'].map(
          (path) => `model.layers.1.self_attn.${path}`,
        ),
      ]
        .map((name) => `${name}.weight`)
        .sort(),
    );
    expect(tensors.get('model.layers.0.conv.conv.weight')!.info.shape).toEqual([32, 1, 3]);
  });

  it('may have attention in all layers, by one number', async () => {
    const folder = await open(tinyLfm2Gguf([u32('lfm2.attention.head_count_kv', 1)]));
    expect(await readJsonObject(folder, 'config.json')).toMatchObject({
      layer_types: ['full_attention', 'full_attention'],
      num_key_value_heads: 1,
    });
  });

  it.each([
    [
      'a list of another length',
      [heads([0, 1, 1])],
      'lfm2.attention.head_count_kv',
      'it has 3 numbers for 2 layers',
    ],
    [
      'counts that differ',
      [heads([2, 1])],
      'lfm2.attention.head_count_kv',
      'it differs from layer to layer, which is not supported',
    ],
    ['negative counts', [heads([0, -1])], 'lfm2.attention.head_count_kv', '-1 is no positive whole number'],
    [
      'no taps',
      [u32('lfm2.shortconv.l_cache', 0)],
      'lfm2.shortconv.l_cache',
      '0 is no positive whole number',
    ],
    [
      'a window',
      [u32('lfm2.attention.sliding_window', 8)],
      'lfm2.attention.sliding_window',
      'Graft has no windows for this architecture',
    ],
  ] as const)('with %s is refused by its key', async (_name, keys, key, problem) => {
    const params = { file: 'lfm2.gguf', key, problem };
    await expectGraftError(() => open(tinyLfm2Gguf(keys)), 'formats.gguf_value', params);
  });

  it.each([
    [
      'a bias',
      { extra: [{ name: 'blk.0.shortconv.in_proj.bias', type: 'F32', shape: [96] }] },
      'blk.0.shortconv.in_proj.bias',
      'a model of architecture “lfm2” has no such tensor',
    ],
    [
      'another output',
      { extra: [{ name: 'dense_2.weight', type: 'F32', shape: [32, 32] }] },
      'dense_2.weight',
      'a model of architecture “lfm2” has no such tensor',
    ],
    ['a convolution that is no matrix', { taps: [96] }, 'blk.0.shortconv.conv.weight', 'it is no matrix'],
  ] as const)('with %s is refused by its tensor', async (_name, tensors, tensor, problem) => {
    const params = { file: 'lfm2.gguf', tensor, problem };
    await expectGraftError(() => open(tinyLfm2Gguf([], tensors)), 'formats.gguf_tensor', params);
  });
});
