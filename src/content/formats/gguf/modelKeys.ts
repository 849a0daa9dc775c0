import type { GgufArchitecture } from './architectures.ts';
import type { GgufKey } from './ggufWriter.ts';
import { convolutionKeys } from './shortConvolutions.ts';
import { expertKeys, type WrittenExperts } from './stackedExperts.ts';

/** The sizes of a model that a GGUF file names; what `DecoderSpec` has. */
export interface WrittenModel {
  hiddenSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  /** Its experts; null for none. */
  experts: WrittenExperts | null;
  /** Its short convolutions: the tokens they reach over, and whether each layer attends instead; null for none. */
  convolutions: { taps: number; attends: readonly boolean[] } | null;
  headDim: number;
  ffnSize: number;
  vocabSize: number;
  maxPositions: number;
  normEps: number;
  /** `dims` of a head turn. */
  rope: { theta: number; dims: number; scaling: { rope_type: string; factor?: number } };
}

/** What a file says of where its model comes from. */
export interface ModelOrigin {
  name: string;
  license: string | null;
  /** The Hub's repo of the base. */
  baseRepo: string | null;
  /** The Hub's repos of the datasets it was tuned on. */
  datasets: readonly string[];
}

const text = (key: string, value: string): GgufKey => ({ key, type: 'string', value });
const u32 = (key: string, value: number): GgufKey => ({ key, type: 'u32', value });
const f32 = (key: string, value: number): GgufKey => ({ key, type: 'f32', value });

/** `general.*` as llama.cpp's converter writes it (gguf-py's `Metadata.set_gguf_meta_model`). */
export function originKeys(
  architecture: string,
  kind: 'model' | 'adapter',
  { name, license, baseRepo, datasets }: ModelOrigin,
): GgufKey[] {
  const repo = (prefix: string, id: string): GgufKey[] => {
    const [organization = '', own = ''] = id.split('/');
    return [
      text(`${prefix}.name`, own || id),
      ...(own ? [text(`${prefix}.organization`, organization)] : []),
      text(`${prefix}.repo_url`, `https://huggingface.co/${id}`),
    ];
  };
  return [
    text('general.architecture', architecture),
    text('general.type', kind),
    text('general.name', name),
    ...(license === null ? [] : [text('general.license', license)]),
    ...(baseRepo === null
      ? []
      : [u32('general.base_model.count', 1), ...repo('general.base_model.0', baseRepo)]),
    ...(datasets.length === 0 ? [] : [u32('general.dataset.count', datasets.length)]),
    ...datasets.flatMap((dataset, i) => {
      const address = `https://huggingface.co/datasets/${dataset}`;
      return repo(`general.dataset.${i}`, dataset).map((key) =>
        key.key.endsWith('repo_url') ? text(key.key, address) : key,
      );
    }),
  ];
}

/**
 * The keys of an architecture (llama.cpp's `set_gguf_parameters`).
 * @param config config.json, for what only this architecture has
 */
export function sizeKeys(
  architecture: GgufArchitecture,
  model: WrittenModel,
  config: Readonly<Record<string, unknown>>,
): GgufKey[] {
  const key = (rest: string) => `${architecture.name}.${rest}`;
  const { rope, headDim } = model;
  const hasOwnHeadDim =
    typeof config.head_dim === 'number' || headDim !== Math.floor(model.hiddenSize / model.heads);
  return [
    u32(key('block_count'), model.layers),
    u32(key('context_length'), model.maxPositions),
    u32(key('embedding_length'), model.hiddenSize),
    u32(key('feed_forward_length'), model.ffnSize),
    u32(key('attention.head_count'), model.heads),
    ...(model.convolutions
      ? convolutionKeys(architecture.name, model.kvHeads, model.convolutions)
      : [u32(key('attention.head_count_kv'), model.kvHeads)]),
    ...(model.experts ? expertKeys(architecture.name, model.experts) : []),
    f32(key('rope.freq_base'), rope.theta),
    f32(key('attention.layer_norm_rms_epsilon'), model.normEps),
    ...(hasOwnHeadDim
      ? [u32(key('attention.key_length'), headDim), u32(key('attention.value_length'), headDim)]
      : []),
    ...(rope.scaling.rope_type === 'linear'
      ? [text(key('rope.scaling.type'), 'linear'), f32(key('rope.scaling.factor'), rope.scaling.factor ?? 1)]
      : []),
    ...Object.entries(architecture.numbers ?? {}).flatMap(([field, rest]) => {
      const value = config[field];
      if (typeof value !== 'number') return [];
      return [rest.endsWith('sliding_window') ? u32(key(rest), value) : f32(key(rest), value)];
    }),
    u32(key('vocab_size'), model.vocabSize),
    u32(key('rope.dimension_count'), rope.dims),
  ];
}
