import type { ConfigReader } from '../configReader.ts';
import { layerTypes } from '../layerTypes.ts';
import { attention, MAX_TAPS, type ShortConvolutionMixer } from '../mixers.ts';
import type { Family } from './family.ts';
import { attentionLinears, linear, llamaNames, noBias } from './llamaLayout.ts';

/** LFM2 and LFM2.5: gated short convolutions beside layers of attention, with norms of the heads. */
export const lfm2: Family = {
  modelType: 'lfm2',
  architecture: 'Lfm2ForCausalLM',
  layerTypes: 'always',
  ffnKey: ['intermediate_size', 12288],
  defaults: { kvHeads: 8, maxPositions: 128_000, tied: true, theta: 1_000_000 },
  differences: (config, { layers }) => {
    const attends = attentionLayers(config);
    const typeOf = layerTypes(
      config,
      layers,
      (layer) => (attends(layer) ? 'full_attention' : 'conv'),
      'layer_types',
      ['full_attention', 'conv'],
    );
    const convolution: ShortConvolutionMixer = {
      kind: 'shortConvolution',
      path: 'conv.conv',
      taps: taps(config),
      bias: config.boolean('conv_bias', false),
    };
    return {
      mixers: [attention, convolution],
      mixerOf: (layer) => (typeOf(layer) === 'conv' ? convolution : attention),
      headNorm: { over: 'head', order: 'before' },
      normEps: config.number('norm_eps', 1e-5),
      ffnSize: ffnSize(config),
      ...(config.has('tie_embedding') && { tied: config.boolean('tie_embedding') }),
    };
  },
  biases: (config) => ({ ...noBias, mixer: config.boolean('conv_bias', false) }),
  layout: (sizes, biases) => {
    const { hiddenSize: d, ffnSize: f } = sizes;
    const own = biases.mixer ?? false;
    const gates = { inputGate: d, outputGate: d, input: d };
    return {
      names: {
        ...llamaNames,
        finalNorm: 'model.embedding_norm',
        norms: { ...llamaNames.norms, beforeAttention: 'operator_norm', beforeMlp: 'ffn_norm' },
        headNorms: { q: 'self_attn.q_layernorm', k: 'self_attn.k_layernorm' },
      },
      linears: [
        ...attentionLinears(sizes, biases, 'out_proj'),
        linear('conv.in_proj', d, own, gates, 'shortConvolution'),
        linear('conv.out_proj', d, own, { o: d }, 'shortConvolution'),
        linear('feed_forward.w1', d, false, { gate: f }),
        linear('feed_forward.w3', d, false, { up: f }),
        linear('feed_forward.w2', f, false, { down: d }),
      ],
    };
  },
};

/** Older files list the layers of attention; without a list, all are. */
function attentionLayers(config: ConfigReader): (layer: number) => boolean {
  if (!config.has('full_attn_idxs')) return () => true;
  const listed = new Set(config.naturals('full_attn_idxs'));
  return (layer) => listed.has(layer);
}

function taps(config: ConfigReader): number {
  const key = 'conv_L_cache';
  const found = config.integer(key, 3);
  if (found > MAX_TAPS) throw config.unsupported(key, String(found));
  return found;
}

/** Two thirds of the size in the config, times a factor and rounded up, unless it is to be taken as it is. */
function ffnSize(config: ConfigReader): number {
  const key = config.has('block_ff_dim') ? 'block_ff_dim' : 'intermediate_size';
  const size = config.integer(key, 12288);
  if (!config.boolean('block_auto_adjust_ff_dim', true)) return size;
  const part = Math.floor((2 * size) / 3);
  if (config.isNull('block_ffn_dim_multiplier')) return part;
  const scaled = Math.floor(config.number('block_ffn_dim_multiplier', 1) * part);
  const unit = config.integer('block_multiple_of', 256);
  return unit * Math.ceil(scaled / unit);
}
