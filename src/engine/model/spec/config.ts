import { GraftError } from '../../../base/lib/errors.ts';
import type { Activation } from '../../kernels/glu.ts';
import { ConfigReader } from './configReader.ts';
import type { FeedForward } from './experts.ts';
import { ernie45 } from './families/ernie45.ts';
import { exaone4 } from './families/exaone4.ts';
import { llamaDefaults, type Defaults, type Family } from './families/family.ts';
import { gemma2 } from './families/gemma2.ts';
import { gemma3 } from './families/gemma3.ts';
import { glm4 } from './families/glm4.ts';
import { granite } from './families/granite.ts';
import { graniteHybrid } from './families/graniteHybrid.ts';
import { hunyuan } from './families/hunyuan.ts';
import { lfm2 } from './families/lfm2.ts';
import { llama } from './families/llama.ts';
import { llamaLinears, llamaNames, noBias } from './families/llamaLayout.ts';
import { ministral3 } from './families/ministral3.ts';
import { mistral } from './families/mistral.ts';
import { nanochat } from './families/nanochat.ts';
import { olmo2 } from './families/olmo2.ts';
import { olmo3 } from './families/olmo3.ts';
import { olmoe } from './families/olmoe.ts';
import { phi3 } from './families/phi3.ts';
import { qwen } from './families/qwen.ts';
import { qwen2 } from './families/qwen2.ts';
import { qwen3 } from './families/qwen3.ts';
import { qwen3Moe } from './families/qwen3Moe.ts';
import { qwen35 } from './families/qwen35.ts';
import { seedOss } from './families/seedOss.ts';
import { smollm3 } from './families/smollm3.ts';
import { checkLayerTypes } from './layerTypes.ts';
import { attention } from './mixers.ts';
import { readRope, type RopeOwner } from './ropeConfig.ts';
import type { DecoderSpec } from './spec.ts';
import { asTextPart, textPartOf, visionArchitectures } from './textPart.ts';

/** All supported families; a new one is a file in families/ and an entry here. */
const families: readonly Family[] = [
  llama,
  qwen2,
  qwen3,
  mistral,
  qwen,
  gemma3,
  gemma2,
  granite,
  graniteHybrid,
  smollm3,
  phi3,
  olmo2,
  olmo3,
  ernie45,
  hunyuan,
  glm4,
  exaone4,
  seedOss,
  ministral3,
  nanochat,
  lfm2,
  qwen3Moe,
  olmoe,
  qwen35,
];

/** Names in transformers' ACT2FN, which is case-sensitive. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_accurate: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  gelu_python_tanh: 'gelu_tanh',
  relu: 'relu',
  relu2: 'relu2',
};

/**
 * Parses config.json into a decoder spec. Throws `model.unsupported_architecture`, `model.config_missing_key`,
 * `model.config_invalid`, `model.config_unsupported`, naming the key.
 */
export function parseConfig(json: unknown): DecoderSpec {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new GraftError('model.config_invalid', {
      key: '(the file)',
      value: 'not an object',
      expected: 'a JSON object',
    });
  }
  const config = new ConfigReader(json as Record<string, unknown>);
  const text = textPartOf(config);
  return text ? asTextPart(parseDecoder(text.config), text) : parseDecoder(config);
}

function parseDecoder(config: ConfigReader): DecoderSpec {
  const family = findFamily(config);
  const defaults = { ...llamaDefaults, ...family.defaults };
  const hiddenSize = config.integer('hidden_size');
  const heads = config.integer('num_attention_heads');
  const layers = config.integer('num_hidden_layers');
  const maxPositions = config.integer('max_position_embeddings', defaults.maxPositions);
  // Null means as many as heads, whatever the default for an absent key.
  const kvHeads = config.isNull('num_key_value_heads') ? heads : (defaults.kvHeads ?? heads);
  const derived = Math.floor(hiddenSize / heads);
  const headDim = config.integer(
    'head_dim',
    config.isNull('head_dim') ? derived : (defaults.headDim ?? derived),
  );
  const rope: RopeOwner = { headDim, maxPositions, ...ropeDefaults(config, family, defaults) };
  const [ffnKey, ffnSize] = family.ffnKey ?? ['intermediate_size'];
  const sizes = {
    family: family.modelType,
    hiddenSize,
    layers,
    heads,
    kvHeads: config.integer('num_key_value_heads', kvHeads),
    headDim,
    ffnSize: config.integer(ffnKey, ffnSize),
    vocabSize: config.integer('vocab_size'),
    maxPositions,
    normEps: config.number('rms_norm_eps', defaults.normEps),
    tied: config.boolean('tie_word_embeddings', defaults.tied),
    ...plain,
    ...family.differences?.(config, { hiddenSize, layers, heads, headDim, rope }),
  };
  checkHeads(sizes);
  // Families with several mixers have read them.
  if (sizes.mixers.length === 1) checkLayerTypes(config, layers);
  const biases = family.biases?.(config) ?? noBias;
  const ropes = sizes.ropeOf ?? sharedRope(readRope(config, rope));
  const activation = activationOf(config, defaults);
  const named = {
    ...sizes,
    ropeOf: ropes,
    attentionScale: sizes.attentionScale ?? sizes.headDim ** -0.5,
  };
  const spec = { ...named, glu: { activation, gated: true } };
  const layout = { names: llamaNames, linears: llamaLinears(spec, biases), ...family.layout?.(spec, biases) };
  const gated = layout.linears.some(({ outputs }) =>
    outputs.some(({ projection }) => projection === 'gate' || projection === 'expertGate'),
  );
  return { ...spec, ...layout, glu: { activation, gated } };
}

/** What Llama has not. */
const plain = {
  mixers: [attention],
  mixerOf: () => attention,
  normOffset: 0,
  normWeights: true,
  headNorm: null,
  embeddingNorm: false,
  rotation: { interleaved: false, reversed: false, queryScale: null },
  windowOf: () => 0,
  attentionCap: 0,
  embeddingMultiplier: 1,
  roundsEmbeddingMultiplier: false,
  residualMultiplier: 1,
  logits: { multiplier: 1, cap: 0 },
  inside: null,
  nameRules: [],
  ignored: [],
  experts: null,
  feedForwardOf: (): FeedForward => 'dense',
} as const;

function sharedRope(rope: ReturnType<DecoderSpec['ropeOf']>): DecoderSpec['ropeOf'] {
  return () => rope;
}

function ropeDefaults(config: ConfigReader, { layerTypes }: Family, defaults: Defaults) {
  const { theta, partialRotary: partial, originalPositions } = defaults;
  return {
    theta,
    hasLayerTypes: layerTypes === 'always' || (layerTypes === 'declared' && config.has('layer_types')),
    ...(partial !== undefined && { partial }),
    ...(originalPositions !== undefined && { originalPositions }),
  };
}

function activationOf(config: ConfigReader, { activation: [key, name] }: Defaults): Activation {
  const found = config.string(key, name);
  const known = ACTIVATIONS[found];
  if (!known) throw config.unsupported(key, found);
  return known;
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
    const known = [...families.map((f) => f.architecture), ...visionArchitectures].join(', ');
    throw new GraftError('model.unsupported_architecture', {
      architecture: architecture ?? modelType ?? '?',
      known,
    });
  }
  return family;
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
