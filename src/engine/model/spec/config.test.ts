import { describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorParams } from '../../../base/lib/errors.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { qwenConfig, tinyConfig } from '../../../testing/tinyModel.ts';
import { parseConfig } from './config.ts';
import type { DecoderSpec } from './spec.ts';

/** The config with some keys changed; undefined removes a key. */
function changed(fields: Record<string, unknown>): Record<string, unknown> {
  const config: Record<string, unknown> = { ...tinyConfig, ...fields };
  for (const key of Object.keys(config)) if (config[key] === undefined) delete config[key];
  return config;
}

const family = (modelType: string, architecture: string, fields: Record<string, unknown> = {}) =>
  parseConfig(changed({ model_type: modelType, architectures: [architecture], ...fields }));
const qwen2 = (fields: Record<string, unknown> = {}) => family('qwen2', 'Qwen2ForCausalLM', fields);
const qwen3 = (fields: Record<string, unknown> = {}) => family('qwen3', 'Qwen3ForCausalLM', fields);
const mistral = (fields: Record<string, unknown> = {}) => family('mistral', 'MistralForCausalLM', fields);

/** Names of the linear layers with a bias. */
const biased = ({ linears }: DecoderSpec) => linears.filter(({ bias }) => bias).map(({ name }) => name);

describe('families', () => {
  it('reads every field of a Llama', () => {
    const parsed = parseConfig(tinyConfig);
    const { windowOf, ropeOf, mixerOf, feedForwardOf, names, linears, ...spec } = parsed;
    expect(spec).toEqual({
      family: 'llama',
      mixers: [{ kind: 'attention', outputGate: false }],
      hiddenSize: 32,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 8,
      ffnSize: 40,
      vocabSize: 40,
      maxPositions: 64,
      normEps: 1e-5,
      normOffset: 0,
      normWeights: true,
      headNorm: null,
      embeddingNorm: false,
      rotation: { interleaved: false, reversed: false, queryScale: null },
      attentionScale: 8 ** -0.5,
      attentionCap: 0,
      glu: { activation: 'silu', gated: true },
      embeddingMultiplier: 1,
      roundsEmbeddingMultiplier: false,
      residualMultiplier: 1,
      logits: { multiplier: 1, cap: 0 },
      tied: false,
      nameRules: [],
      inside: null,
      ignored: [],
      experts: null,
    });
    expect(feedForwardOf(0)).toBe('dense');
    expect(windowOf(0)).toBe(0);
    expect(mixerOf(0)).toBe(spec.mixers[0]);
    expect(ropeOf(0)).toEqual({ theta: 10000, scaling: { rope_type: 'default' }, dims: 8 });
    expect(names).toMatchObject({ embedding: 'model.embed_tokens', blocks: 'model.layers', head: 'lm_head' });
    expect(linears.map(({ path, outFeatures, inFeatures }) => [path, outFeatures, inFeatures])).toEqual([
      ['self_attn.q_proj', 32, 32],
      ['self_attn.k_proj', 16, 32],
      ['self_attn.v_proj', 16, 32],
      ['self_attn.o_proj', 32, 32],
      ['mlp.gate_proj', 40, 32],
      ['mlp.up_proj', 40, 32],
      ['mlp.down_proj', 32, 40],
    ]);
  });

  it('reads the first Qwen: q, k and v in one layer, half the intermediate size, contexts up to seq_length', () => {
    const spec = parseConfig(qwenConfig);
    expect(spec).toMatchObject({
      family: 'qwen',
      ffnSize: 48,
      kvHeads: 4,
      headDim: 16,
      maxPositions: 64,
      normEps: 1e-6,
      tied: false,
      names: { embedding: 'transformer.wte', finalNorm: 'transformer.ln_f' },
    });
    expect(spec.ropeOf(0)?.theta).toBe(10000);
    expect(biased(spec)).toEqual(['c_attn']);
    expect(spec.linears.map(({ path, outFeatures }) => [path, outFeatures])).toEqual([
      ['attn.c_attn', 192],
      ['attn.c_proj', 64],
      ['mlp.w2', 48],
      ['mlp.w1', 48],
      ['mlp.c_proj', 64],
    ]);
  });

  it('uses transformers’ defaults for the keys a Llama may omit', () => {
    const spec = parseConfig(
      changed({
        num_key_value_heads: undefined,
        max_position_embeddings: undefined,
        rms_norm_eps: undefined,
        rope_theta: undefined,
        tie_word_embeddings: undefined,
      }),
    );
    expect(spec).toMatchObject({ kvHeads: 4, headDim: 8, maxPositions: 2048, normEps: 1e-6, tied: false });
    expect(spec.ropeOf(0)?.theta).toBe(10000);
  });

  it('uses transformers’ defaults for each family, and for null as many kv heads as heads', () => {
    const wide = {
      num_attention_heads: 32,
      hidden_size: 128,
      head_dim: 4,
      max_position_embeddings: undefined,
    };
    const of = (modelType: string, architecture: string) => {
      const { kvHeads, maxPositions } = family(modelType, architecture, {
        ...wide,
        num_key_value_heads: undefined,
      });
      const none = family(modelType, architecture, { ...wide, num_key_value_heads: null });
      return [kvHeads, maxPositions, none.kvHeads];
    };
    expect(of('llama', 'LlamaForCausalLM')).toEqual([32, 2048, 32]);
    expect(of('qwen2', 'Qwen2ForCausalLM')).toEqual([32, 32768, 32]);
    expect(of('qwen3', 'Qwen3ForCausalLM')).toEqual([32, 32768, 32]);
    expect(of('mistral', 'MistralForCausalLM')).toEqual([8, 131072, 32]);
  });

  it('accepts both names of SiLU', () => {
    expect(parseConfig({ ...tinyConfig, hidden_act: 'swish' })).toMatchObject({ family: 'llama' });
  });

  it('gives Llama the biases and the head_dim of its config', () => {
    const spec = parseConfig(changed({ attention_bias: true, mlp_bias: true, head_dim: 16 }));
    expect(spec).toMatchObject({ headDim: 16 });
    expect(biased(spec)).toEqual(spec.linears.map(({ name }) => name));
  });

  it('gives Qwen2 a bias on q, k and v only', () => {
    expect(qwen2()).toMatchObject({ family: 'qwen2' });
    expect(biased(qwen2())).toEqual(['q_proj', 'k_proj', 'v_proj']);
  });

  it('gives Qwen3 norms on q and k, and heads of 128 by default', () => {
    expect(qwen3()).toMatchObject({
      family: 'qwen3',
      headNorm: { over: 'head', order: 'before' },
      headDim: 128,
    });
    expect(biased(qwen3())).toEqual([]);
    const other = qwen3({ head_dim: 8, attention_bias: true });
    expect(other).toMatchObject({ headDim: 8 });
    expect(biased(other)).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj']);
  });

  it('uses a sliding window in every layer of Mistral, 4096 by default, none for null', () => {
    const windows = (fields: Record<string, unknown>) =>
      [0, 1].map((layer) => mistral(fields).windowOf(layer));
    expect(windows({ sliding_window: 7 })).toEqual([7, 7]);
    expect(windows({})).toEqual([4096, 4096]);
    expect(windows({ sliding_window: null })).toEqual([0, 0]);
  });

  it.each([
    ['off', { use_sliding_window: false, sliding_window: 7, max_window_layers: 1 }, [0, 0]],
    ['on from a layer', { use_sliding_window: true, sliding_window: 7, max_window_layers: 1 }, [0, 7]],
    ['on from the first', { use_sliding_window: true, sliding_window: 7, max_window_layers: 0 }, [7, 7]],
    ['on past the last', { use_sliding_window: true, sliding_window: 7 }, [0, 0]],
    ['null', { use_sliding_window: true, sliding_window: null, max_window_layers: 0 }, [0, 0]],
    [
      'by layer_types',
      {
        use_sliding_window: true,
        sliding_window: 7,
        layer_types: ['sliding_attention', 'full_attention'],
      },
      [7, 0],
    ],
  ])('uses a sliding window in the layers of a Qwen config: %s', (_, fields, expected) => {
    expect([0, 1].map((layer) => qwen2(fields).windowOf(layer))).toEqual(expected);
    expect([0, 1].map((layer) => qwen3({ head_dim: 8, ...fields }).windowOf(layer))).toEqual(expected);
  });

  it('identifies a model by model_type if there are no architectures', () => {
    expect(parseConfig(changed({ model_type: 'qwen2', architectures: undefined })).family).toBe('qwen2');
    expect(parseConfig(changed({ model_type: undefined })).family).toBe('llama');
  });
});

describe('rotary embedding', () => {
  const ropeOf = (fields: Record<string, unknown>) => parseConfig(changed(fields)).ropeOf(0);
  const llama3 = {
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 256,
  };

  it.each([
    ['rope_type', { rope_type: 'llama3', ...llama3 }],
    ['the older type', { type: 'llama3', ...llama3 }],
  ])('reads llama3 scaling by %s', (_, scaling) => {
    const rope = ropeOf({ rope_scaling: scaling, rope_theta: 500000 });
    expect(rope).toEqual({ theta: 500000, scaling: { rope_type: 'llama3', ...llama3 }, dims: 8 });
  });

  it('reads linear scaling', () => {
    const rope = ropeOf({ rope_scaling: { type: 'linear', factor: 2 } });
    expect(rope?.scaling).toEqual({ rope_type: 'linear', factor: 2 });
  });

  it('reads transformers 5’s rope_parameters', () => {
    const parameters = { rope_theta: 1e6, rope_type: 'llama3', ...llama3 };
    const rope = ropeOf({ rope_theta: undefined, rope_parameters: parameters });
    expect(rope).toEqual({ theta: 1e6, scaling: { rope_type: 'llama3', ...llama3 }, dims: 8 });
    const plain = ropeOf({ rope_parameters: { rope_theta: 5, rope_type: 'default' } });
    expect(plain).toEqual({ theta: 5, scaling: { rope_type: 'default' }, dims: 8 });
  });
});

describe('invalid configs', () => {
  it.each(['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'vocab_size'])(
    'names the missing key %s',
    async (key) => {
      await expectGraftError(() => parseConfig(changed({ [key]: undefined })), 'model.config_missing_key', {
        key,
      });
      await expectGraftError(() => parseConfig(changed({ [key]: null })), 'model.config_missing_key', {
        key,
      });
    },
  );

  const invalid = 'model.config_invalid';
  it.each<[string, Record<string, unknown>, ErrorCode, ErrorParams]>([
    ['a string for a number', { hidden_size: '32' }, invalid, { key: 'hidden_size', value: '"32"' }],
    ['a fraction', { num_hidden_layers: 1.5 }, invalid, { key: 'num_hidden_layers' }],
    ['zero', { vocab_size: 0 }, invalid, { key: 'vocab_size' }],
    ['a negative epsilon', { rms_norm_eps: -1 }, invalid, { key: 'rms_norm_eps' }],
    ['a word for a switch', { tie_word_embeddings: 'yes' }, invalid, { key: 'tie_word_embeddings' }],
    ['one architecture as text', { architectures: 'LlamaForCausalLM' }, invalid, { key: 'architectures' }],
    ['heads that do not divide', { num_key_value_heads: 3 }, invalid, { key: 'num_key_value_heads' }],
    ['a head of 6', { head_dim: 6 }, invalid, { key: 'head_dim', value: 6 }],
    ['a head of 512', { head_dim: 512 }, invalid, { key: 'head_dim' }],
    ['rope_scaling as text', { rope_scaling: 'llama3' }, invalid, { key: 'rope_scaling' }],
    [
      'llama3 scaling without its factor',
      { rope_scaling: { rope_type: 'llama3' } },
      'model.config_missing_key',
      { key: 'rope_scaling.factor' },
    ],
    [
      'proportional scaling',
      { rope_scaling: { type: 'proportional', factor: 4 } },
      'model.config_unsupported',
      { key: 'rope_scaling.type', value: 'proportional' },
    ],
    [
      'axial RoPE in rope_parameters',
      { rope_parameters: { rope_type: 'axial', factor: 4 } },
      'model.config_unsupported',
      { key: 'rope_parameters.rope_type', value: 'axial' },
    ],
    ['another activation', { hidden_act: 'xielu' }, 'model.config_unsupported', { key: 'hidden_act' }],
    [
      'another architecture',
      { architectures: ['GPT2LMHeadModel'], model_type: 'gpt2' },
      'model.unsupported_architecture',
      { architecture: 'GPT2LMHeadModel' },
    ],
    [
      'another head on a known family',
      { architectures: ['LlamaForSequenceClassification'] },
      'model.unsupported_architecture',
      { architecture: 'LlamaForSequenceClassification' },
    ],
    [
      'neither architecture nor model type',
      { architectures: undefined, model_type: undefined },
      'model.config_missing_key',
      { key: 'model_type' },
    ],
  ])('refuses %s', async (_, fields, code, params) => {
    await expectGraftError(() => parseConfig(changed(fields)), code, params);
  });

  it.each([['text'], [null], [[]], [7]])('rejects %j instead of an object', async (json) => {
    await expectGraftError(() => parseConfig(json), 'model.config_invalid');
  });
});
