import { prefixRule } from '../../../../content/formats/checkpoint.ts';
import type { ConfigReader } from '../configReader.ts';
import { layerTypes } from '../layerTypes.ts';
import { MAX_TAPS, type AttentionMixer, type DeltaRuleMixer } from '../mixers.ts';
import type { Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { linear, llamaLinears } from './llamaLayout.ts';

/** Key dimensions that the kernels have room for. */
const MAX_KEY_DIM = 256;

/** transformers also loads, and writes, the names that the text part has in a vision model. */
const NAMES_IN_VISION_MODEL = ['embed_tokens', 'layers', 'norm'].map((module) =>
  prefixRule(`model.language_model.${module}.`, `model.${module}.`),
);

/** Qwen3.5, its text model: three of four layers are Gated DeltaNet, the others attention with gates; norms of 1 + w. */
export const qwen35: Family = {
  modelType: 'qwen3_5_text',
  architecture: 'Qwen3_5ForCausalLM',
  layerTypes: 'always',
  defaults: { kvHeads: 4, headDim: 256, maxPositions: 32768, partialRotary: 0.25 },
  differences: (config, { layers }) => {
    const interval = config.integer('full_attention_interval', 4);
    const typeOf = layerTypes(
      config,
      layers,
      (layer) => ((layer + 1) % interval === 0 ? 'full_attention' : 'linear_attention'),
      'layer_types',
      ['full_attention', 'linear_attention'],
    );
    const activation = config.string('hidden_act', 'silu');
    // Also of the convolution.
    if (activation !== 'silu') throw config.unsupported('hidden_act', activation);
    const attention: AttentionMixer = { kind: 'attention', outputGate: true };
    const rule = deltaRule(config);
    return {
      mixers: [rule, attention],
      mixerOf: (layer) => (typeOf(layer) === 'linear_attention' ? rule : attention),
      headNorm: { over: 'head', order: 'before' },
      normOffset: 1,
      nameRules: NAMES_IN_VISION_MODEL,
      ignored: ['mtp', 'model.visual'],
    };
  },
  biases: attentionBiases,
  layout: (sizes, biases) => {
    const { hiddenSize: d, heads, headDim } = sizes;
    const rule = sizes.mixers.find((mixer) => mixer.kind === 'deltaRule')!;
    const { keyHeads, valueHeads, keyDim, valueDim } = rule;
    const [ofKeys, ofValues] = [keyHeads * keyDim, valueHeads * valueDim];
    const own = (name: string, widths: Parameters<typeof linear>[3]) =>
      linear(`linear_attn.${name}`, d, false, widths, 'deltaRule');
    const [, ...others] = llamaLinears(sizes, biases);
    return {
      linears: [
        own('in_proj_qkv', { q: ofKeys, k: ofKeys, v: ofValues }),
        own('in_proj_z', { z: ofValues }),
        own('in_proj_b', { beta: valueHeads }),
        own('in_proj_a', { decay: valueHeads }),
        linear('linear_attn.out_proj', ofValues, false, { o: d }, 'deltaRule'),
        // A gate behind each query.
        linear('self_attn.q_proj', d, biases.qkv, { q: 2 * heads * headDim }),
        ...others,
      ],
    };
  },
};

function deltaRule(config: ConfigReader): DeltaRuleMixer {
  const taps = config.integer('linear_conv_kernel_dim', 4);
  if (taps > MAX_TAPS) throw config.unsupported('linear_conv_kernel_dim', String(taps));
  const keyDim = config.integer('linear_key_head_dim', 128);
  if (keyDim > MAX_KEY_DIM) throw config.unsupported('linear_key_head_dim', String(keyDim));
  const keyHeads = config.integer('linear_num_key_heads', 16);
  const valueHeads = config.integer('linear_num_value_heads', 32);
  if (valueHeads % keyHeads !== 0) {
    const expected = `a multiple of linear_num_key_heads (${keyHeads})`;
    throw config.invalid('linear_num_value_heads', valueHeads, expected);
  }
  const valueDim = config.integer('linear_value_head_dim', 128);
  return { kind: 'deltaRule', path: 'linear_attn', taps, keyHeads, valueHeads, keyDim, valueDim };
}
