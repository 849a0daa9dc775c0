import { describe, expect, it } from 'vitest';
import { readText } from '../../../content/formats/text.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { replaceTensor, tinyModel, type TinyTensor } from '../../../testing/tinyModel.ts';
import { openModelFiles } from './openModel.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const without = (name: string) => (tensors: TinyTensor[]) => tensors.filter((t) => t.name !== name);
const kProjection = 'model.layers.1.self_attn.k_proj.weight';

describe('openModelFiles', () => {
  it('opens a model whose config and headers agree, in one file or two shards', async () => {
    for (const firstShard of [undefined, 5]) {
      const { spec, checkpoint } = await openModelFiles(tinyModel({ firstShard }));
      expect(spec.layers).toBe(2);
      expect(checkpoint.tensors.size).toBe(2 * 9 + 3);
    }
  });

  it('names a missing tensor', async () => {
    for (const tensor of [kProjection, 'lm_head.weight', 'model.norm.weight']) {
      const folder = tinyModel({ edit: without(tensor) });
      await expectGraftError(() => openModelFiles(folder), 'model.tensor_missing', { tensor });
    }
  });

  it('names a bias that the config requires', async () => {
    const tensor = 'model.layers.0.self_attn.q_proj.bias';
    const qwen = { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] };
    const folder = tinyModel({ config: qwen, edit: without(tensor) });
    await expectGraftError(() => openModelFiles(folder), 'model.tensor_missing', { tensor });
  });

  it('names a tensor of the wrong shape, transposed or flat', async () => {
    for (const shape of [[32, 16], [512]]) {
      const folder = tinyModel({ edit: (tensors) => replaceTensor(tensors, kProjection, () => ({ shape })) });
      await expectGraftError(() => openModelFiles(folder), 'model.tensor_shape', {
        tensor: kProjection,
        actual: shape.join(', '),
        expected: '16, 32',
      });
    }
  });

  it('names a tensor stored in an unsupported dtype', async () => {
    const edit = (tensors: TinyTensor[]) => replaceTensor(tensors, kProjection, () => ({ dtype: 'I32' }));
    const params = { tensor: kProjection, dtype: 'I32' };
    await expectGraftError(() => openModelFiles(tinyModel({ edit })), 'model.tensor_dtype', params);
  });

  it('names the first missing layer, however many the config claims', async () => {
    const folder = tinyModel();
    const config = JSON.parse(await readText(folder, 'config.json')) as object;
    folder.files.set('config.json', encode(JSON.stringify({ ...config, num_hidden_layers: 1e9 })));
    await expectGraftError(() => openModelFiles(folder), 'model.tensor_missing', {
      tensor: 'model.layers.2.self_attn.q_proj.weight',
    });
  });

  it.each([
    ['model.layers.2.mlp.up_proj.weight', 'num_hidden_layers'],
    ['model.layers.0.self_attn.q_proj.bias', 'attention_bias'],
    ['model.layers.0.mlp.up_proj.bias', 'mlp_bias'],
    ['model.layers.0.self_attn.q_norm.weight', 'architectures'],
  ])('names %s, which the config does not declare, and the key %s', async (name, key) => {
    const extra = { name, dtype: 'F32', shape: [1], bytes: new Uint8Array(4) };
    const folder = tinyModel({ edit: (tensors) => [...tensors, extra] });
    await expectGraftError(() => openModelFiles(folder), 'model.tensor_unexpected', { tensor: name, key });
  });

  it('ignores RoPE frequencies, which older files store', async () => {
    const name = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    const extra = { name, dtype: 'F32', shape: [1], bytes: new Uint8Array(4) };
    const { checkpoint } = await openModelFiles(tinyModel({ edit: (tensors) => [...tensors, extra] }));
    expect(checkpoint.tensors.has(name)).toBe(true);
  });

  it('requires no head of a tied model, and ignores one that is stored', async () => {
    const tied = { tie_word_embeddings: true };
    const [table] = [...(await openModelFiles(tinyModel({ config: tied }))).checkpoint.tensors.keys()];
    expect(table).toBe('model.embed_tokens.weight');
    const copy = (tensors: TinyTensor[]) => [...tensors, { ...tensors[0]!, name: 'lm_head.weight' }];
    const stored = await openModelFiles(tinyModel({ config: tied, edit: copy }));
    expect(stored.checkpoint.tensors.has('lm_head.weight')).toBe(true);
    expect(stored.spec.tied).toBe(true);
    const head = { name: 'lm_head.weight', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) };
    await expectGraftError(
      () => openModelFiles(tinyModel({ config: tied, edit: (tensors) => [...tensors, head] })),
      'model.tensor_shape',
      { tensor: 'lm_head.weight', actual: '1' },
    );
  });
});
