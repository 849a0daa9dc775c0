import {
  expertOf,
  ggufArchitectureOf,
  ggufTensorName,
  type GgufArchitecture,
} from '../../../content/formats/gguf/architectures.ts';
import { fileTypeOf, writtenTypeOf, type GgufExportType } from '../../../content/formats/gguf/exportTypes.ts';
import { splitGguf, type GgufPart } from '../../../content/formats/gguf/ggufSplit.ts';
import type { GgufKey, GgufLayout } from '../../../content/formats/gguf/ggufWriter.ts';
import { sizeKeys } from '../../../content/formats/gguf/modelKeys.ts';
import { llama3Factors } from '../../../content/formats/gguf/ropeFactors.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { dataBytesOf } from '../shardFile.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { RopeFrequencies } from '../../kernels/ropeFrequencies.ts';
import type { DecoderSpec } from '../../model/spec/spec.ts';
import type { MergeJob } from '../mergeJob.ts';
import type { OutputTensor } from '../outputTensor.ts';
import { planOutput, type OutputPlan } from '../outputPlan.ts';
import { ggufStack } from './ggufStack.ts';
import { ggufTensor, ggufVector, type GgufTensorPlan } from './ggufTensor.ts';

/** A GGUF file to write: the result of a merge, in a type. */
export interface GgufJob {
  /** Its `floats` is F32: values are rounded once, to the file's type. */
  merge: MergeJob;
  type: GgufExportType;
  /** `general.*`, and `tokenizer.*`. */
  keys: { general: readonly GgufKey[]; tokenizer: readonly GgufKey[] };
  /** config.json of the base, for what only its architecture has. */
  config: Readonly<Record<string, unknown>>;
}

/** What a GGUF file, or its parts, will hold. */
export interface GgufPlan {
  tensors: GgufTensorPlan[];
  /** One, where it is not split. */
  parts: GgufPart[];
  /** Of all parts; `dataBytes` without their headers. */
  totalBytes: number;
  dataBytes: number;
  /** The merge it is made of; whoever has read its blocks must dispose of its workspace. */
  output: OutputPlan;
}

/** The architecture of a family. Throws `merge.gguf_family`. */
export function architectureOf({ family }: Pick<DecoderSpec, 'family'>): GgufArchitecture {
  const found = ggufArchitectureOf(family);
  if (!found) throw new GraftError('merge.gguf_family', { family });
  return found;
}

/**
 * The context in tokens that the file names: where llama.cpp has no windows for an architecture, only that within which
 * none matters. Throws `merge.gguf_layer`, `merge.gguf_scale`, `merge.gguf_heads` and `merge.gguf_experts` where it would
 * compute a layer otherwise.
 */
export function writtenContext(
  { name, layers = {}, numbers = {}, convolutions, experts }: GgufArchitecture,
  spec: DecoderSpec,
): number {
  const { unturned = () => false, windowed = () => false } = layers;
  const scaled = Math.abs(spec.attentionScale * Math.sqrt(spec.headDim) - 1) > 1e-6;
  if (scaled && !numbers.attention_multiplier)
    throw new GraftError('merge.gguf_scale', { scale: spec.attentionScale, architecture: name });
  const width = spec.heads * spec.headDim;
  if (convolutions && width !== spec.hiddenSize)
    throw new GraftError('merge.gguf_heads', { width, hidden: spec.hiddenSize, architecture: name });
  if (experts && !spec.experts?.amongChosen)
    throw new GraftError('merge.gguf_experts', { architecture: name });
  let context = spec.maxPositions;
  for (let layer = 0; layer < spec.layers; layer++) {
    const window = spec.windowOf(layer);
    const hasWindow = window > 0 && window < spec.maxPositions;
    const isTurned = (spec.ropeOf(layer) === null) === unturned(layer);
    if (!isTurned || (layers.windowed && windowed(layer) !== window > 0))
      throw new GraftError('merge.gguf_layer', { layer, architecture: name });
    if (hasWindow && !layers.windowed) context = Math.min(context, window);
  }
  return context;
}

/** The types of rotary embeddings that most architectures have. */
const ROPES: readonly string[] = ['default', 'linear', 'llama3'];

/** The rotary embedding of the layers that attend to everything. Throws `merge.gguf_rope`. */
export function writtenRope({ ropes = ROPES }: GgufArchitecture, spec: DecoderSpec): RopeFrequencies {
  const rope = ropeOfLayers(spec, (window) => window === 0) ?? ropeOfLayers(spec, (window) => window > 0);
  if (!rope || !ropes.includes(rope.scaling.rope_type))
    throw new GraftError('merge.gguf_rope', { type: rope?.scaling.rope_type ?? 'none' });
  return rope;
}

/** That of layers with a window, where others have none, as config.json names it. */
function windowedRope(spec: DecoderSpec): { rope_local_base_freq?: number } {
  const rope = ropeOfLayers(spec, (window) => window > 0);
  return rope ? { rope_local_base_freq: rope.theta } : {};
}

function ropeOfLayers(spec: DecoderSpec, choose: (window: number) => boolean): RopeFrequencies | null {
  for (let layer = 0; layer < spec.layers; layer++) {
    const rope = choose(spec.windowOf(layer)) ? spec.ropeOf(layer) : null;
    if (rope) return rope;
  }
  return null;
}

/** The short convolutions of a model, and the layers that attend instead; null for one that has none. */
function writtenConvolutions(spec: DecoderSpec): { taps: number; attends: boolean[] } | null {
  const convolution = spec.mixers.find((mixer) => mixer.kind === 'shortConvolution');
  if (!convolution) return null;
  const attends = Array.from({ length: spec.layers }, (_, layer) => spec.mixerOf(layer).kind === 'attention');
  return { taps: convolution.taps, attends };
}

/**
 * Plans a GGUF file: keys, tensors and all sizes, before a byte is written. Throws `merge.gguf_family`,
 * `merge.gguf_layer`, `merge.gguf_heads`, `merge.gguf_rope`, `merge.gguf_tensor`, and what `planOutput` throws.
 * @param maxBytes the most bytes of a file, beyond which it is split: see `splitGguf`
 */
export async function planGguf(gpu: Gpu, job: GgufJob, file: string, maxBytes = Infinity): Promise<GgufPlan> {
  const { spec } = job.merge.base;
  const architecture = architectureOf(spec);
  const output = await planOutput(gpu, job.merge);
  const names = output.tensors.map(({ entry }) => {
    const name = ggufTensorName(architecture, entry.name);
    if (name === null)
      throw new GraftError('merge.gguf_tensor', { tensor: entry.name, architecture: architecture.name });
    return name;
  });
  const valueLayers = Array.from({ length: spec.layers }, (_, layer) => layer).filter((layer) =>
    names.includes(`blk.${layer}.attn_v.weight`),
  );
  const experts = spec.experts?.experts ?? 0;
  const model = { layers: spec.layers, experts, valueLayers, hasOutput: names.includes('output.weight') };
  const groups = new Map<string, OutputTensor[]>();
  output.tensors.forEach((tensor, i) => {
    const group = groups.get(names[i]!);
    if (group) group.push(tensor);
    else groups.set(names[i]!, [tensor]);
  });
  const tensors = [...groups].map(([name, group]) => {
    const [first] = group as [OutputTensor];
    const { type, isFallback } = writtenTypeOf({ name, shape: first.entry.shape }, job.type, model);
    if (expertOf(first.entry.name) === null) return ggufTensor(architecture, spec, first, type, isFallback);
    const sorted = group.sort((a, b) => expertOf(a.entry.name)! - expertOf(b.entry.name)!);
    return ggufStack(architecture, spec, sorted as [OutputTensor, ...OutputTensor[]], type, isFallback);
  });
  const maxPositions = writtenContext(architecture, spec);
  const rope = writtenRope(architecture, spec);
  const { scaling, theta } = rope;
  if (scaling.rope_type === 'llama3')
    tensors.push(ggufVector('rope_freqs.weight', llama3Factors(scaling, theta, rope.dims / 2)));
  const keys: GgufKey[] = [
    ...job.keys.general,
    ...sizeKeys(
      architecture,
      { ...spec, maxPositions, rope, convolutions: writtenConvolutions(spec) },
      { ...job.config, ...windowedRope(spec) },
    ),
    { key: 'general.file_type', type: 'u32', value: fileTypeOf(job.type) },
    ...job.keys.tokenizer,
    { key: 'general.quantization_version', type: 'u32', value: 2 },
  ];
  const parts = splitGguf(
    keys,
    tensors.map(({ entry }) => entry),
    file,
    maxBytes,
  );
  const sum = (bytesOf: (layout: GgufLayout) => number) =>
    parts.reduce((total, { layout }) => total + bytesOf(layout), 0);
  const totalBytes = sum((layout) => layout.totalBytes);
  return { tensors, parts, totalBytes, dataBytes: sum(dataBytesOf), output };
}
