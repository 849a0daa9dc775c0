import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { encodeSafetensors } from '../../../content/formats/safetensorsWriter.ts';
import { parseConfig } from './config.ts';
import { openModelFiles } from './openModel.ts';
import { isBeside, modulePath, tensorsOf } from './spec.ts';

const text = {
  model_type: 'ministral3',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 8,
  vocab_size: 20,
};
const config = {
  architectures: ['Mistral3ForConditionalGeneration'],
  model_type: 'mistral3',
  text_config: text,
  vision_config: { model_type: 'pixtral' },
};

describe('the text part of a vision model', () => {
  it('has the text’s family, under the names of the whole model', () => {
    const spec = parseConfig(config);
    expect(spec).toMatchObject({ family: 'mistral3', layers: 2, tied: true, normEps: 1e-5 });
    expect(spec.names).toMatchObject({ embedding: 'model.language_model.embed_tokens', head: 'lm_head' });
    expect(modulePath(spec, 1, 'mlp.up_proj')).toBe('model.language_model.layers.1.mlp.up_proj');
    // The model says whether its head is the embedding, not its text part.
    const own = {
      ...config,
      tie_word_embeddings: false,
      text_config: { ...text, tie_word_embeddings: true },
    };
    expect(parseConfig(own).tied).toBe(false);
  });

  it('takes transformers’ sizes where Gemma 3’s text_config leaves them out', () => {
    const gemma = { model_type: 'gemma3', text_config: { hidden_size: 2560, num_hidden_layers: 34 } };
    expect(parseConfig(gemma)).toMatchObject({
      family: 'gemma3',
      hiddenSize: 2560,
      heads: 8,
      headDim: 256,
      vocabSize: 262_208,
    });
  });

  it('of Qwen3.5 lies beside its part for images and what predicts several tokens', async () => {
    const qwen = {
      architectures: ['Qwen3_5ForConditionalGeneration'],
      model_type: 'qwen3_5',
      text_config: {
        ...text,
        model_type: 'qwen3_5_text',
        num_attention_heads: 4,
        full_attention_interval: 2,
        linear_num_key_heads: 1,
        linear_num_value_heads: 2,
        linear_key_head_dim: 8,
        linear_value_head_dim: 4,
      },
      vision_config: { model_type: 'qwen3_5_vision' },
    };
    const spec = parseConfig(qwen);
    expect(spec).toMatchObject({ family: 'qwen3_5', tied: false, inside: { others: ['model.visual'] } });
    expect(modulePath(spec, 0, 'linear_attn.in_proj_z')).toBe(
      'model.language_model.layers.0.linear_attn.in_proj_z',
    );
    expect(parseConfig({ ...qwen, tie_word_embeddings: true }).tied).toBe(true);
    const names = ['model.visual.merger.norm.weight', 'mtp.fc.weight', 'model.language_model.norm.weight'];
    expect(names.map((name) => isBeside(spec, name))).toEqual([true, true, false]);
    // An adapter is of the modules that transformers has: it names what is for images as excluded, and no more.
    expect(spec.ignored).toEqual(['mtp']);
    const mamba = {
      ...qwen,
      text_config: { ...qwen.text_config, layer_types: ['linear_attention', 'mamba'] },
    };
    await expectGraftError(() => parseConfig(mamba), 'model.config_unsupported', {
      key: 'text_config.layer_types[1]',
    });
  });

  it('has the same names in a text model that transformers wrote from it', async () => {
    const qwen = {
      ...text,
      architectures: ['Qwen3_5ForCausalLM'],
      model_type: 'qwen3_5_text',
      num_attention_heads: 4,
      linear_num_key_heads: 1,
      linear_num_value_heads: 2,
      linear_key_head_dim: 8,
      linear_value_head_dim: 4,
    };
    const tensors = [...tensorsOf({ ...parseConfig(qwen), nameRules: [] })].map(({ name, shape }) => {
      const bytes = new Uint8Array(4 * shape.reduce((product, n) => product * n, 1));
      return { name: name.replace('model.', 'model.language_model.'), dtype: 'F32', shape, bytes };
    });
    tensors.push({ name: 'mtp.norm.weight', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
    tensors.push({ name: 'model.visual.norm.weight', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
    const files = { 'config.json': JSON.stringify(qwen), 'model.safetensors': encodeSafetensors(tensors) };
    const { checkpoint } = await openModelFiles(new MemoryFolder('m', files));
    expect(checkpoint.tensors.has('model.layers.1.linear_attn.in_proj_z.weight')).toBe(true);
    expect([...checkpoint.tensors.keys()].map((name) => checkpoint.storedName(name))).toEqual(
      tensors.map(({ name }) => name),
    );
  });

  it('refuses other text models, naming the key', async () => {
    const other = { ...config, text_config: { ...text, model_type: 'qwen3' } };
    await expectGraftError(() => parseConfig(other), 'model.config_unsupported', {
      key: 'text_config.model_type',
      value: 'qwen3',
    });
    await expectGraftError(() => parseConfig({ ...config, text_config: null }), 'model.config_missing_key', {
      key: 'text_config',
    });
    const short = { ...config, text_config: { ...text, num_attention_heads: undefined } };
    await expectGraftError(() => parseConfig(short), 'model.config_missing_key', {
      key: 'text_config.num_attention_heads',
    });
  });

  it.each([
    ['older', 'language_model.model.', 'vision_tower.patch_conv.weight'],
    ['newer', 'model.language_model.', 'model.vision_tower.patch_conv.weight'],
  ])('opens a file with %s names, and knows what it calls them', async (_, prefix, vision) => {
    const tensors = [...tensorsOf(parseConfig(config))].map(({ name, shape }) => {
      const bytes = new Uint8Array(4 * shape.reduce((product, n) => product * n, 1));
      return { name: name.replace('language_model.model.', prefix), dtype: 'F32', shape, bytes };
    });
    tensors.push({ name: vision, dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
    const files = { 'config.json': JSON.stringify(config), 'model.safetensors': encodeSafetensors(tensors) };
    const { checkpoint } = await openModelFiles(new MemoryFolder('m', files));
    expect(checkpoint.tensors.has('model.vision_tower.patch_conv.weight')).toBe(true);
    expect([...checkpoint.tensors.keys()].map((name) => checkpoint.storedName(name))).toEqual(
      tensors.map(({ name }) => name),
    );
  });
});
