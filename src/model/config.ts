import { GraftError } from '../lib/errors.ts';
import { ConfigReader } from './configReader.ts';
import type { Family } from './families/family.ts';
import { llama } from './families/llama.ts';
import { llamaLinears, llamaNames, noBias } from './families/llamaLayout.ts';
import { mistral } from './families/mistral.ts';
import { qwen } from './families/qwen.ts';
import { qwen2 } from './families/qwen2.ts';
import { qwen3 } from './families/qwen3.ts';
import { readRope } from './ropeConfig.ts';
import type { DecoderSpec } from './spec.ts';

/** Every family Graft trains; a new one is a file in families/ and a place in this list. */
const families: readonly Family[] = [llama, qwen2, qwen3, mistral, qwen];

/** SiLU's names in transformers' ACT2FN, which tells capitals apart. */
const SILU: readonly string[] = ['silu', 'swish'];

/**
 * Reads config.json into a decoder spec.
 * Throws `model.unsupported_architecture`, `model.config_missing_key`, `model.config_invalid`,
 * `model.config_unsupported`: each names the key.
 */
export function parseConfig(json: unknown): DecoderSpec {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new GraftError('model.config_invalid', {
      key: '(the file)',
      value: 'no object',
      expected: 'a JSON object',
    });
  }
  const config = new ConfigReader(json as Record<string, unknown>);
  const family = findFamily(config);
  refuseUnsupported(config);
  const hiddenSize = config.integer('hidden_size');
  const heads = config.integer('num_attention_heads');
  const { defaults, layerTypes } = family;
  const maxPositions = config.integer('max_position_embeddings', defaults?.maxPositions ?? 2048);
  const hasLayerTypes = layerTypes === 'always' || (layerTypes === 'declared' && config.has('layer_types'));
  // Null is as many as heads, whatever an absent key is.
  const kvHeads = config.isNull('num_key_value_heads') ? heads : (defaults?.kvHeads ?? heads);
  const sizes = {
    family: family.modelType,
    hiddenSize,
    layers: config.integer('num_hidden_layers'),
    heads,
    kvHeads: config.integer('num_key_value_heads', kvHeads),
    headDim: config.integer('head_dim', Math.floor(hiddenSize / heads)),
    ffnSize: config.integer('intermediate_size'),
    vocabSize: config.integer('vocab_size'),
    maxPositions,
    normEps: config.number('rms_norm_eps', 1e-6),
    rope: readRope(config, { maxPositions, hasLayerTypes }),
    qkNorm: false,
    tied: config.boolean('tie_word_embeddings', false),
    windowOf: () => 0,
    ...family.differences(config),
  };
  checkHeads(sizes);
  if (family.layout) return { ...sizes, ...family.layout(sizes) };
  return { ...sizes, names: llamaNames, linears: llamaLinears(sizes, family.biases?.(config) ?? noBias) };
}

function findFamily(config: ConfigReader): Family {
  const [architecture] = config.strings('architectures');
  const modelType = config.has('model_type') ? config.string('model_type') : undefined;
  if (architecture === undefined && modelType === undefined) {
    throw new GraftError('model.config_missing_key', { key: 'model_type' });
  }
  const family =
    families.find((f) => f.architecture === architecture) ?? families.find((f) => f.modelType === modelType);
  if (!family || (architecture !== undefined && family.architecture !== architecture)) {
    const known = families.map((f) => f.architecture).join(', ');
    throw new GraftError('model.unsupported_architecture', {
      architecture: architecture ?? modelType ?? '?',
      known,
    });
  }
  return family;
}

function refuseUnsupported(config: ConfigReader): void {
  const activation = config.string('hidden_act', 'silu');
  if (!SILU.includes(activation)) throw config.unsupported('hidden_act', activation);
}

function checkHeads({ heads, kvHeads, headDim }: Pick<DecoderSpec, 'heads' | 'kvHeads' | 'headDim'>): void {
  if (heads % kvHeads !== 0) {
    throw new GraftError('model.config_invalid', {
      key: 'num_key_value_heads',
      value: kvHeads,
      expected: `a divisor of num_attention_heads (${heads})`,
    });
  }
  if (headDim % 4 !== 0 || headDim > 256) {
    throw new GraftError('model.config_invalid', {
      key: 'head_dim',
      value: headDim,
      expected: 'a multiple of 4 and at most 256',
    });
  }
}
