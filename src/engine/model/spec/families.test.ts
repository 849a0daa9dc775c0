import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { tinyConfig, tinyModel } from '../../../testing/tinyModel.ts';
import { parseConfig } from './config.ts';
import { openModelFiles } from './openModel.ts';
import { linearsOf, tensorsOf } from './spec.ts';

const FULL = 'full_attention';
const SLIDING = 'sliding_attention';

/** The spec of a model type: of the tiny sizes, without the keys that have defaults in some family. */
function specOf(modelType: string, fields: Record<string, unknown> = {}) {
  const { hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, vocab_size } = tinyConfig;
  const sizes = { hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, vocab_size };
  return parseConfig({ ...sizes, num_hidden_layers: 7, model_type: modelType, ...fields });
}

const layers = [0, 1, 2, 3, 4, 5, 6];

describe('transformers’ defaults', () => {
  it.each([
    ['gemma3_text', { kvHeads: 4, headDim: 256, maxPositions: 131072, tied: true, attentionScale: 1 / 16 }],
    ['gemma2', { kvHeads: 4, maxPositions: 8192, attentionCap: 50, logits: { multiplier: 1, cap: 30 } }],
    ['granite', { kvHeads: 4, attentionScale: 1, embeddingMultiplier: 1, residualMultiplier: 1 }],
    ['smollm3', { kvHeads: 4, maxPositions: 32768, tied: true, headDim: 8 }],
    ['phi3', { kvHeads: 4, maxPositions: 4096, normEps: 1e-5, tied: false }],
    ['olmo2', { normEps: 1e-5, headNorm: { over: 'heads', order: 'before' } }],
    ['olmo3', { normEps: 1e-5, headNorm: { over: 'heads', order: 'before' } }],
    ['ernie4_5', { kvHeads: 2, headDim: 128, tied: true, normEps: 1e-5 }],
    ['hunyuan_v1_dense', { normEps: 1e-5, headNorm: { over: 'head', order: 'after' } }],
    ['glm4', { kvHeads: 2, headDim: 128, normEps: 0.00000015625 }],
    ['seed_oss', { headDim: 128, maxPositions: 524288, normEps: 1e-6 }],
    ['lfm2', { kvHeads: 8, maxPositions: 128_000, normEps: 1e-5, tied: true, ffnSize: 8192 }],
    ['qwen3_moe', { kvHeads: 4, experts: { experts: 128, top: 8, width: 768, amongChosen: false } }],
    ['olmoe', { normEps: 1e-5, maxPositions: 4096, experts: { experts: 64, top: 8, width: 40 } }],
    [
      'qwen3_5_text',
      {
        headDim: 256,
        maxPositions: 32768,
        normOffset: 1,
        tied: false,
        mixers: [
          { kind: 'deltaRule', taps: 4, keyHeads: 16, valueHeads: 32, keyDim: 128, valueDim: 128 },
          { kind: 'attention', outputGate: true },
        ],
      },
    ],
    ['nanochat', { normWeights: false, glu: { activation: 'relu2', gated: false } }],
  ])('of %s', (modelType, expected) => {
    const heads = ['seed_oss', 'lfm2'].includes(modelType) ? { num_attention_heads: 8 } : {};
    const ffn = modelType === 'lfm2' ? { intermediate_size: undefined } : {};
    expect(specOf(modelType, { ...heads, ...ffn })).toMatchObject({ family: modelType, ...expected });
  });

  it('of Ministral 3: YaRN from 16,384 positions, with queries that grow', () => {
    const spec = specOf('ministral3', { num_attention_heads: 8 });
    expect(spec.ropeOf(0)).toMatchObject({
      theta: 1e6,
      dims: 128,
      scaling: { rope_type: 'yarn', factor: 16 },
    });
    expect(spec.rotation.queryScale).toEqual({ beta: 0.1, context: 16384 });
  });
});

describe('layers', () => {
  const windows = (modelType: string, fields: Record<string, unknown> = {}) => {
    const spec = specOf(modelType, { sliding_window: 8, ...fields });
    return layers.map(spec.windowOf);
  };

  it('slide by a pattern, or as they are listed', () => {
    expect(windows('gemma3_text')).toEqual([8, 8, 8, 8, 8, 0, 8]);
    expect(windows('gemma3_text', { sliding_window_pattern: 3 })).toEqual([8, 8, 0, 8, 8, 0, 8]);
    expect(windows('gemma2')).toEqual([8, 0, 8, 0, 8, 0, 8]);
    expect(windows('olmo3')).toEqual([8, 8, 8, 0, 8, 8, 8]);
    expect(windows('exaone4', { num_key_value_heads: 4 })).toEqual([8, 8, 8, 0, 8, 8, 8]);
    const listed = [FULL, SLIDING, FULL, FULL, SLIDING, FULL, FULL];
    expect(windows('olmo3', { layer_types: listed })).toEqual([0, 8, 0, 0, 8, 0, 0]);
    expect(windows('phi3')).toEqual([8, 8, 8, 8, 8, 8, 8]);
    expect(windows('phi3', { sliding_window: null })).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it('attend or convolve, by indices or as they are listed', () => {
    const kinds = (fields: Record<string, unknown>) => {
      const spec = specOf('lfm2', { num_attention_heads: 8, ...fields });
      return layers.map((layer) => (spec.mixerOf(layer).kind === 'attention' ? 'a' : 'c')).join('');
    };
    expect(kinds({})).toBe('aaaaaaa');
    expect(kinds({ full_attn_idxs: [0, 4] })).toBe('acccacc');
    const listed = ['conv', FULL, 'conv', 'conv', FULL, FULL, 'conv'];
    expect(kinds({ layer_types: listed, full_attn_idxs: [0] })).toBe('caccaac');
    const spec = specOf('lfm2', { num_attention_heads: 8, layer_types: listed });
    expect(linearsOf(spec, 0).map(({ path }) => path)).toEqual([
      'conv.in_proj',
      'conv.out_proj',
      'feed_forward.w1',
      'feed_forward.w3',
      'feed_forward.w2',
    ]);
  });

  it('are Gated DeltaNet but for every fourth, or as they are listed', () => {
    const kinds = (fields: Record<string, unknown>) => {
      const spec = specOf('qwen3_5_text', fields);
      return layers.map((layer) => (spec.mixerOf(layer).kind === 'attention' ? 'a' : 'd')).join('');
    };
    expect(kinds({})).toBe('dddaddd');
    expect(kinds({ full_attention_interval: 3 })).toBe('ddaddad');
    const linear = 'linear_attention';
    expect(kinds({ layer_types: [FULL, linear, FULL, FULL, linear, linear, FULL] })).toBe('adaadda');
    const { linears, ropeOf } = specOf('qwen3_5_text', { head_dim: 24, linear_num_value_heads: 16 });
    expect(linears.map(({ path, outFeatures }) => [path, outFeatures]).slice(0, 6)).toEqual([
      ['linear_attn.in_proj_qkv', 6144],
      ['linear_attn.in_proj_z', 2048],
      ['linear_attn.in_proj_b', 16],
      ['linear_attn.in_proj_a', 16],
      ['linear_attn.out_proj', 32],
      ['self_attn.q_proj', 192],
    ]);
    expect(ropeOf(3)?.dims).toBe(6);
  });

  it('have an MLP of the size that LFM2 derives', () => {
    const size = (fields: Record<string, unknown>) =>
      specOf('lfm2', { num_attention_heads: 8, intermediate_size: 76, ...fields }).ffnSize;
    expect(size({})).toBe(256);
    expect(size({ block_multiple_of: 20, block_ffn_dim_multiplier: 1.1 })).toBe(60);
    expect(size({ block_ffn_dim_multiplier: null })).toBe(50);
    expect(size({ block_auto_adjust_ff_dim: false, block_ff_dim: 100 })).toBe(100);
  });

  it('turn or do not, by a list, an interval, or their type', () => {
    const turns = (modelType: string, fields: Record<string, unknown> = {}) => {
      const spec = specOf(modelType, fields);
      return layers.map((layer) => spec.ropeOf(layer) !== null);
    };
    expect(turns('smollm3')).toEqual([true, true, true, false, true, true, true]);
    const listed = [1, 0, 0, 1, 1, 1, 0];
    expect(turns('smollm3', { no_rope_layers: listed })).toEqual(listed.map(Boolean));
    const exaone = { num_key_value_heads: 4, sliding_window_pattern: 2 };
    expect(turns('exaone4', exaone)).toEqual([true, false, true, false, true, false, true]);
    const dense = { num_local_experts: 0, layer_types: Array(7).fill('attention') };
    expect(turns('granitemoehybrid', dense)).toEqual(layers.map(() => false));
    expect(turns('granitemoehybrid', { ...dense, position_embedding_type: 'rope' })).toEqual(
      layers.map(() => true),
    );
  });

  it('have a base of RoPE by their type, under old keys and new', () => {
    const thetas = (fields: Record<string, unknown>, modelType = 'gemma3_text') => {
      const spec = specOf(modelType, fields);
      return [4, 5].map((layer) => spec.ropeOf(layer)?.theta);
    };
    expect(thetas({})).toEqual([10_000, 1_000_000]);
    expect(thetas({ rope_theta: 5e5, rope_local_base_freq: 300 })).toEqual([300, 5e5]);
    const nested = { [SLIDING]: { rope_theta: 7 }, [FULL]: { rope_theta: 9, rope_type: 'default' } };
    expect(thetas({ rope_parameters: nested, rope_theta: 5e5 })).toEqual([7, 9]);
    const scaled = specOf('gemma3_text', { rope_scaling: { rope_type: 'linear', factor: 8 } });
    expect(scaled.ropeOf(4)?.scaling).toEqual({ rope_type: 'default' });
    expect(scaled.ropeOf(5)?.scaling).toEqual({ rope_type: 'linear', factor: 8 });
    // transformers takes the older key for full attention only.
    const typed = [SLIDING, SLIDING, SLIDING, SLIDING, SLIDING, FULL, SLIDING];
    expect(thetas({ rope_theta: 900, layer_types: typed }, 'olmo3')).toEqual([500_000, 900]);
  });
});

it.each([
  ['F32', Math.fround(Math.sqrt(40))],
  ['BF16', 6.3125],
  ['F16', 6.32421875],
])('Gemma’s factor of embeddings is rounded to their dtype: %s', async (dtype, factor) => {
  const config = { ...tinyFamilies.gemma3, hidden_size: 40 };
  const { spec } = await openModelFiles(tinyModel({ config, dtype }));
  expect(spec.embeddingMultiplier).toBe(factor);
});

describe('fused layers', () => {
  it.each([
    ['phi3', ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj'], [64, 32, 80, 32]],
    ['nanochat', ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'fc1', 'fc2'], [32, 16, 16, 32, 40, 32]],
  ])('of %s are one module each', (modelType, names, widths) => {
    const { linears } = specOf(modelType, { num_key_value_heads: 2 });
    expect(linears.map(({ name }) => name)).toEqual(names);
    expect(linears.map(({ outFeatures }) => outFeatures)).toEqual(widths);
  });
});

describe('experts', () => {
  it('are in the layers that a config says', () => {
    const of = (modelType: string, fields: Record<string, unknown>) =>
      layers.map(specOf(modelType, fields).feedForwardOf);
    const [dense, experts] = ['dense', 'experts'] as const;
    expect(of('qwen3_moe', { decoder_sparse_step: 2, mlp_only_layers: [3] })).toEqual([
      ...[dense, experts, dense, dense, dense, experts, dense],
    ]);
    expect(of('qwen3_moe', { num_experts: 0 })).toEqual(layers.map(() => dense));
    expect(of('olmoe', {})).toEqual(layers.map(() => experts));
    const granite = { num_local_experts: 3, layer_types: layers.map(() => 'attention') };
    expect(of('granitemoehybrid', granite)).toEqual(layers.map(() => 'both'));
  });

  it('are tensors of their own, or stacked', () => {
    const namesOf = (modelType: string, fields: Record<string, unknown>) =>
      [...tensorsOf(specOf(modelType, { num_hidden_layers: 1, ...fields }))]
        .filter(({ name }) => /expert|moe|gate\./.test(name))
        .map(({ name, shape }) => `${name.replace(/^model.layers.0./, '')} ${shape.join('x')}`);
    expect(
      namesOf('qwen3_moe', { num_experts: 2, num_experts_per_tok: 1, moe_intermediate_size: 8 }),
    ).toEqual([
      'mlp.gate.weight 2x32',
      ...[0, 1].flatMap((e) => [
        `mlp.experts.${e}.gate_proj.weight 8x32`,
        `mlp.experts.${e}.up_proj.weight 8x32`,
      ]),
      ...[0, 1].map((e) => `mlp.experts.${e}.down_proj.weight 32x8`),
    ]);
    const granite = { num_local_experts: 3, layer_types: ['attention'] };
    expect(namesOf('granitemoehybrid', granite)).toEqual([
      'block_sparse_moe.router.layer.weight 3x32',
      'block_sparse_moe.input_linear.weight 3x80x32',
      'block_sparse_moe.output_linear.weight 3x32x40',
    ]);
  });
});

describe('refused, naming the key and the layer', () => {
  const longrope = { rope_type: 'longrope', short_factor: [1, 1, 1, 1], long_factor: [1, 2] };
  it.each([
    ['granitemoehybrid', {}, 'layer_types[0]'],
    ['qwen3_moe', { output_router_logits: true }, 'output_router_logits'],
    ['olmoe', { clip_qkv: 8 }, 'clip_qkv'],
    [
      'granitemoehybrid',
      { num_local_experts: 0, layer_types: ['attention', 'attention', 'mamba', 'mamba', FULL, FULL, FULL] },
      'layer_types[2]',
    ],
    ['olmo3', { layer_types: [FULL, 'linear_attention', FULL, FULL, FULL, FULL, FULL] }, 'layer_types[1]'],
    ['gemma3_text', { use_bidirectional_attention: true }, 'use_bidirectional_attention'],
    ['gemma3_text', { rope_parameters: { rope_theta: 5 } }, 'rope_parameters'],
    ['gemma3_text', { rope_scaling: { rope_type: 'spiral' } }, 'rope_scaling.rope_type'],
    ['gemma2', { hidden_activation: 'laplace' }, 'hidden_activation'],
    ['phi3', { rope_scaling: { type: 'linear', factor: 2 } }, 'rope_scaling.type'],
    [
      'lfm2',
      { num_attention_heads: 8, layer_types: ['conv', 'mamba', FULL, FULL, FULL, FULL, FULL] },
      'layer_types[1]',
    ],
    ['lfm2', { num_attention_heads: 8, conv_L_cache: 17 }, 'conv_L_cache'],
    ['qwen3_5_text', { linear_key_head_dim: 512 }, 'linear_key_head_dim'],
    ['qwen3_5_text', { hidden_act: 'gelu' }, 'hidden_act'],
    [
      'smollm3',
      { partial_rotary_factor: 0.5, rope_scaling: { type: 'linear', factor: 2 } },
      'partial_rotary_factor',
    ],
  ])('%s with %j', async (modelType, fields, key) => {
    await expectGraftError(() => specOf(modelType, fields), 'model.config_unsupported', { key });
  });

  it.each([
    ['olmo3', { layer_types: [FULL] }, 'layer_types'],
    ['gemma2', { sliding_window: null }, 'sliding_window'],
    ['phi3', { rope_scaling: longrope }, 'rope_scaling.long_factor'],
    ['smollm3', { no_rope_layers: [1, 0] }, 'no_rope_layers'],
    ['qwen3_moe', { num_experts: 4 }, 'num_experts_per_tok'],
    ['qwen3_moe', { mlp_only_layers: ['1'] }, 'mlp_only_layers'],
  ])('%s with %j, as invalid', async (modelType, fields, key) => {
    await expectGraftError(() => specOf(modelType, fields), 'model.config_invalid', { key });
  });
});

describe('in every family', () => {
  const families = [
    ...[
      'llama',
      'mistral',
      'qwen2',
      'qwen3',
      'gemma3_text',
      'gemma2',
      'granite',
      'granitemoehybrid',
      'smollm3',
    ],
    ...[
      'phi3',
      'olmo2',
      'olmo3',
      'ernie4_5',
      'hunyuan_v1_dense',
      'glm4',
      'exaone4',
      'seed_oss',
      'ministral3',
    ],
    ...['lfm2', 'qwen3_moe', 'olmoe', 'qwen3_5_text', 'nanochat'],
  ];
  const sizes = { num_attention_heads: 8, num_key_value_heads: 4, head_dim: 8, num_local_experts: 0 };
  const granite = { layer_types: Array<string>(7).fill('attention'), position_embedding_type: 'rope' };
  const expectRefused = (modelType: string, fields: Record<string, unknown>, key: string) => {
    const own = modelType === 'granitemoehybrid' ? granite : {};
    const all = { ...sizes, ...own, ...fields };
    return expectGraftError(() => specOf(modelType, all), 'model.config_unsupported', { key });
  };

  it.each(families)(
    '%s: an unknown type of RoPE is refused by its key, older or newer',
    async (modelType) => {
      await expectRefused(modelType, { rope_scaling: { type: 'spiral', factor: 2 } }, 'rope_scaling.type');
      await expectRefused(modelType, { rope_scaling: { rope_type: 'spiral' } }, 'rope_scaling.rope_type');
      const byType = ['gemma3_text', 'olmo3'].includes(modelType);
      const spiral = { rope_type: 'spiral', rope_theta: 1e4 };
      const nested = { full_attention: spiral, sliding_attention: { rope_theta: 1e4 } };
      const parameters = byType ? nested : spiral;
      const key = byType ? 'rope_parameters.full_attention.rope_type' : 'rope_parameters.rope_type';
      await expectRefused(modelType, { rope_parameters: parameters }, key);
    },
  );

  it.each(families)(
    '%s: layers of an unknown type, or of Mamba, are refused by their number',
    async (modelType) => {
      for (const type of ['mamba', 'chunked_attention', 'spiral']) {
        const types = [FULL, FULL, FULL, type, FULL, FULL, FULL];
        await expectRefused(modelType, { layer_types: types }, 'layer_types[3]');
      }
    },
  );
});
