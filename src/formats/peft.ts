import { GraftError } from '../lib/errors.ts';
import type { Folder, WritableFolder } from '../storage/types.ts';
import { decodeFloats, encodeFloats } from './floats.ts';
import { checkPeftConfig, type PeftConfig } from './peftConfig.ts';
import { valueByPattern } from './peftPattern.ts';
import { byCodePoint, pythonJson, type JsonValue } from './pythonJson.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { clip, shapeText } from './safetensorsHeader.ts';
import { encodeSafetensors } from './safetensorsWriter.ts';
import { readJsonObject, writeBytes, writeText } from './text.ts';

export { newPeftConfig, type PeftConfig } from './peftConfig.ts';

/** The LoRA weights of one linear layer: y += scale · (x Aᵀ) Bᵀ. */
export interface PeftModule {
  rank: number;
  /** alpha / rank, or alpha / √rank with rsLoRA. */
  scale: number;
  /** `[rank, inFeatures]`. */
  a: Float32Array<ArrayBuffer>;
  /** `[outFeatures, rank]`. */
  b: Float32Array<ArrayBuffer>;
  inFeatures: number;
  outFeatures: number;
}

/** A LoRA adapter as PEFT stores it; `modules` are keyed by name, such as `model.layers.0.self_attn.q_proj`. */
export interface PeftAdapter {
  config: PeftConfig;
  modules: Map<string, PeftModule>;
}

const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';
const prefix = 'base_model.model.';

/**
 * Reads a PEFT adapter folder. Throws `formats.adapter_*` for a missing file, a wrong field, anything that isn't plain
 * LoRA (DoRA, saved modules, embeddings, biases, other methods), and weights that don't fit the config or each other.
 */
export async function readAdapter(folder: Folder): Promise<PeftAdapter> {
  const names = await folder.list();
  const need = (file: string): void => {
    if (!names.includes(file)) throw new GraftError('formats.adapter_missing', { folder: folder.name, file });
  };
  need(configFile);
  const config = checkPeftConfig(await readJsonObject(folder, configFile), folder.name, configFile);
  if (!names.includes(weightsFile) && names.includes('adapter_model.bin')) {
    throw new GraftError('formats.adapter_pickle', { folder: folder.name });
  }
  need(weightsFile);
  const file = await openSafetensors(await folder.open(weightsFile));
  const modules = new Map<string, PeftModule>();
  for (const module of moduleNames(file)) modules.set(module, await readModule(file, module, config));
  if (modules.size === 0) throw new GraftError('formats.adapter_empty', { file: weightsFile });
  return { config, modules };
}

/**
 * Writes a PEFT adapter folder: `adapter_model.safetensors` in F32 with sorted keys, then `adapter_config.json` as
 * PEFT writes it (sorted keys and target_modules, `inference_mode` true). Throws `formats.adapter_shape` and
 * `formats.adapter_scale` for modules the config doesn't describe, and what the folder throws.
 */
export async function writeAdapter(folder: WritableFolder, adapter: PeftAdapter): Promise<void> {
  const { config, modules } = adapter;
  const tensors = [...modules].flatMap(([module, weights]) => {
    checkModule(module, weights, config);
    const { a, b, rank, inFeatures, outFeatures } = weights;
    return [
      { name: keyOf(module, 'A'), dtype: 'F32', shape: [rank, inFeatures], bytes: encodeFloats(a, 'F32') },
      { name: keyOf(module, 'B'), dtype: 'F32', shape: [outFeatures, rank], bytes: encodeFloats(b, 'F32') },
    ];
  });
  tensors.sort((x, y) => byCodePoint(x.name, y.name));
  await writeBytes(folder, weightsFile, encodeSafetensors(tensors, { format: 'pt' }));
  // Last, because a folder counts as an adapter only with it.
  await writeText(folder, configFile, adapterConfigJson(config));
}

/** The text of `adapter_config.json`: indent 2, sorted keys, `inference_mode` true, target_modules sorted. */
export function adapterConfigJson(config: PeftConfig): string {
  const { target_modules: targets } = config;
  const sorted = Array.isArray(targets) ? [...targets].sort(byCodePoint) : targets;
  // What came out of a JSON file, or was built from PeftConfig's fields, is JSON.
  return pythonJson({ ...config, target_modules: sorted, inference_mode: true } as unknown as JsonValue);
}

/** The rank and scale that a config gives to a module. Throws `formats.adapter_pattern`. */
export function rankAndScale(config: PeftConfig, module: string): { rank: number; scale: number } {
  const origin = { file: configFile };
  const rank = valueByPattern(config.rank_pattern, module, config.r, { ...origin, field: 'rank_pattern' });
  const alpha = valueByPattern(config.alpha_pattern, module, config.lora_alpha, {
    ...origin,
    field: 'alpha_pattern',
  });
  return { rank, scale: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) };
}

function keyOf(module: string, side: 'A' | 'B'): string {
  return `${prefix}${module}.lora_${side}.weight`;
}

/** The modules of a weights file, in its order; every tensor must be one half of a pair. */
function moduleNames(file: SafetensorsFile): Set<string> {
  const modules = new Set<string>();
  for (const tensor of file.tensors.keys()) {
    const module = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/s.exec(tensor)?.[1];
    if (module === undefined) {
      const params = { file: file.source.name, tensor: clip(tensor), kind: kindOf(tensor) };
      throw new GraftError('formats.adapter_key', params);
    }
    modules.add(module);
  }
  return modules;
}

function kindOf(tensor: string): string {
  if (tensor.includes('lora_magnitude_vector')) return 'it is the magnitude of DoRA';
  if (tensor.includes('lora_embedding_')) return 'it is LoRA on an embedding';
  if (/lora_[AB]\.bias$/.test(tensor)) return 'it is a bias inside LoRA';
  if (!tensor.startsWith(prefix)) return `its name does not begin with ${prefix}`;
  return tensor.endsWith('.bias')
    ? 'it is a trained bias'
    : 'it is a fully trained module or another method’s';
}

async function readModule(file: SafetensorsFile, module: string, config: PeftConfig): Promise<PeftModule> {
  const halves = { A: keyOf(module, 'A'), B: keyOf(module, 'B') };
  for (const [side, other] of [
    ['A', 'B'],
    ['B', 'A'],
  ] as const) {
    if (file.tensors.has(halves[side])) continue;
    const params = { module: clip(module), present: `lora_${other}`, absent: `lora_${side}` };
    throw new GraftError('formats.adapter_half', { file: file.source.name, ...params });
  }
  const { rank, scale } = rankAndScale(config, module);
  const checkShape = (tensor: string, rankAt: 0 | 1, expected: string): void => {
    const { shape } = file.get(tensor);
    if (shape.length === 2 && shape[rankAt] === rank && shape[1 - rankAt]! > 0) return;
    const params = { file: file.source.name, tensor: clip(tensor), shape: shapeText(shape), expected };
    throw new GraftError('formats.adapter_shape', params);
  };
  checkShape(halves.A, 0, `[${rank}, inputs], as the rank in ${configFile} says`);
  checkShape(halves.B, 1, `[outputs, ${rank}], as the rank in ${configFile} says`);
  const floats = async (tensor: string): Promise<Float32Array<ArrayBuffer>> =>
    decodeFloats(await file.read(tensor), file.get(tensor).dtype, clip(tensor));
  return {
    rank,
    scale,
    a: await floats(halves.A),
    b: await floats(halves.B),
    inFeatures: file.get(halves.A).shape[1]!,
    outFeatures: file.get(halves.B).shape[0]!,
  };
}

/** Refuses to write what would be read back as something else. */
function checkModule(module: string, weights: PeftModule, config: PeftConfig): void {
  const { rank, scale, a, b, inFeatures, outFeatures } = weights;
  const expected = rankAndScale(config, module);
  if (rank !== expected.rank || a.length !== rank * inFeatures || b.length !== outFeatures * rank) {
    const shape = `${a.length}], [${b.length}`;
    const wanted = `A [${expected.rank}, ${inFeatures}] and B [${outFeatures}, ${expected.rank}]`;
    throw new GraftError('formats.adapter_shape', {
      file: weightsFile,
      tensor: module,
      shape,
      expected: wanted,
    });
  }
  if (Math.abs(scale - expected.scale) > 1e-6 * Math.abs(expected.scale)) {
    throw new GraftError('formats.adapter_scale', { module, scale, expected: expected.scale });
  }
}
