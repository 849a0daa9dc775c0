import type { RopeScaling } from '../kernels/ropeFrequencies.ts';
import { GraftError } from '../lib/errors.ts';
import { ConfigReader } from './configReader.ts';
import type { Family } from './families/family.ts';
import { llama } from './families/llama.ts';
import { llamaLinears, llamaNames, noBias } from './families/llamaLayout.ts';
import { mistral } from './families/mistral.ts';
import { qwen } from './families/qwen.ts';
import { qwen2 } from './families/qwen2.ts';
import { qwen3 } from './families/qwen3.ts';
import type { DecoderSpec, RopeSpec } from './spec.ts';

/** Every family Graft trains; a new one is a file in families/ and a place in this list. */
const families: readonly Family[] = [llama, qwen2, qwen3, mistral, qwen];

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
  const sizes = {
    family: family.modelType,
    hiddenSize,
    layers: config.integer('num_hidden_layers'),
    heads,
    kvHeads: config.integer('num_key_value_heads', heads),
    headDim: config.integer('head_dim', Math.floor(hiddenSize / heads)),
    ffnSize: config.integer('intermediate_size'),
    vocabSize: config.integer('vocab_size'),
    maxPositions: config.integer('max_position_embeddings', 2048),
    normEps: config.number('rms_norm_eps', 1e-6),
    rope: readRope(config),
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
  if (activation !== 'silu') throw config.unsupported('hidden_act', activation);
}

function readRope(config: ConfigReader): RopeSpec {
  // transformers 5 moved rope_theta and rope_scaling into rope_parameters.
  const parameters = config.object('rope_parameters');
  const theta = parameters?.has('rope_theta')
    ? parameters.number('rope_theta')
    : config.number('rope_theta', 10000);
  const scaling = config.object('rope_scaling') ?? parameters;
  return { theta, scaling: scaling ? readScaling(scaling) : { rope_type: 'default' } };
}

function readScaling(scaling: ConfigReader): RopeScaling {
  // Older configs say "type".
  const type = scaling.string('rope_type', scaling.string('type', 'default'));
  if (type === 'default') return { rope_type: type };
  if (type === 'linear') return { rope_type: type, factor: scaling.number('factor') };
  if (type === 'llama3') {
    return {
      rope_type: type,
      factor: scaling.number('factor'),
      low_freq_factor: scaling.number('low_freq_factor'),
      high_freq_factor: scaling.number('high_freq_factor'),
      original_max_position_embeddings: scaling.integer('original_max_position_embeddings'),
    };
  }
  throw scaling.unsupported(scaling.has('rope_type') ? 'rope_type' : 'type', type);
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
