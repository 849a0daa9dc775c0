import { prefixRule, type NameRule } from '../../../content/formats/checkpoint.ts';
import type { ConfigReader } from './configReader.ts';
import type { DecoderSpec, ModuleNames } from './spec.ts';

/** A model that looks at images, whose text part is a decoder of a family of its own. */
interface VisionModel {
  modelType: string;
  architecture: string;
  /** The `model_type`s that `text_config` may have, the default first. */
  texts: readonly string[];
  /** transformers' values of required keys that `text_config` may leave out. */
  defaults?: Readonly<Record<string, unknown>>;
  /** Whether the head is the embedding where the config does not say. */
  tied: boolean;
  /** The parts that no text goes through, as modules of transformers' model. */
  others: readonly string[];
  nameRules: readonly NameRule[];
}

/** Older names of tensors, which are also those that transformers writes, and the names of their modules. */
const OLDER_NAMES = [
  prefixRule('language_model.model.', 'model.language_model.'),
  prefixRule('language_model.lm_head.', 'lm_head.'),
  prefixRule('vision_tower.', 'model.vision_tower.'),
  prefixRule('multi_modal_projector.', 'model.multi_modal_projector.'),
];

/** A model of transformers' Llava kind. */
const likeLlava = {
  tied: true,
  others: ['model.vision_tower', 'model.multi_modal_projector'],
  nameRules: OLDER_NAMES,
} as const;

const models: readonly VisionModel[] = [
  {
    modelType: 'gemma3',
    architecture: 'Gemma3ForConditionalGeneration',
    texts: ['gemma3_text'],
    ...likeLlava,
    defaults: {
      vocab_size: 262_208,
      hidden_size: 2304,
      intermediate_size: 9216,
      num_hidden_layers: 26,
      num_attention_heads: 8,
    },
  },
  {
    modelType: 'mistral3',
    architecture: 'Mistral3ForConditionalGeneration',
    texts: ['mistral', 'ministral3'],
    ...likeLlava,
  },
  {
    modelType: 'qwen3_5',
    architecture: 'Qwen3_5ForConditionalGeneration',
    texts: ['qwen3_5_text'],
    defaults: {
      vocab_size: 248_320,
      hidden_size: 4096,
      intermediate_size: 12_288,
      num_hidden_layers: 32,
      num_attention_heads: 16,
    },
    tied: false,
    others: ['model.visual'],
    nameRules: [],
  },
];

/** Architectures of vision models, for errors. */
export const visionArchitectures = models.map(({ architecture }) => architecture);

/** The text part of a vision model. */
export interface TextPart {
  model: VisionModel;
  /** `text_config`. */
  config: ConfigReader;
  /** Whether the head is the embedding, which the model says and not its text part. */
  tied: boolean;
}

/** The text part of the vision model that a config describes; null if it describes another model. Throws `model.config_*`. */
export function textPartOf(config: ConfigReader): TextPart | null {
  const [architecture] = config.strings('architectures');
  const modelType = config.has('model_type') ? config.string('model_type') : undefined;
  const model = models.find((one) =>
    architecture === undefined ? one.modelType === modelType : one.architecture === architecture,
  );
  if (!model) return null;
  const text = config.objectOf('text_config');
  const found = text.has('model_type') ? text.string('model_type') : model.texts[0]!;
  if (!model.texts.includes(found)) throw text.unsupported('model_type', found);
  const own = text.withDefaults({ ...model.defaults, model_type: found });
  const tied = config.boolean('tie_word_embeddings', model.tied);
  return { model, config: own.without('architectures'), tied };
}

/** The decoder as the text part of a vision model: its modules' names there, and what lies beside it. */
export function asTextPart(spec: DecoderSpec, { model, tied }: TextPart): DecoderSpec {
  return {
    ...spec,
    family: model.modelType,
    tied,
    names: inVisionModel(spec.names),
    nameRules: model.nameRules,
    inside: { others: model.others },
    ignored: spec.ignored.filter((module) => !model.others.includes(module)),
  };
}

function inVisionModel(names: ModuleNames): ModuleNames {
  const moved = (name: string) => name.replace(/^model\./, 'model.language_model.');
  const { embedding, finalNorm, blocks } = names;
  return { ...names, embedding: moved(embedding), finalNorm: moved(finalNorm), blocks: moved(blocks) };
}
