import { GraftError } from '../../base/lib/errors.ts';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import type { ByteSink, Folder, WritableFolder } from '../../base/storage/types.ts';
import {
  adapterStorage,
  checkInt8Version,
  encodeMatrix,
  matrixBytes,
  moduleOfTensor,
  readMatrix,
  type AdapterDtype,
} from './adapterMatrix.ts';
import { checkPeftConfig, type PeftConfig } from './peftConfig.ts';
import { expertsApart, expertsTogether, parameterOf, wrapperOf } from './peftExperts.ts';
import { valueByPattern } from './peftPattern.ts';
import { withoutAdapterName } from './adapterNames.ts';
import {
  baseModuleOf,
  checkSaved,
  openSaved,
  savedKey,
  savedModuleOf,
  savedBytes,
  type PeftSaved,
} from './peftSaved.ts';
import { byCodePoint, pythonJson, type JsonValue } from './pythonJson.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { clip, shapeText } from './safetensorsHeader.ts';
import type { TensorEntry } from './safetensorsLayout.ts';
import { SafetensorsWriter } from './safetensorsWriter.ts';
import { readJsonObject, writeText } from './text.ts';

export type { AdapterDtype } from './adapterMatrix.ts';
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
  /** How many experts have an A and a B each, one after the other; absent for one layer. */
  experts?: number;
  /** `[outFeatures]`, with DoRA: y = magnitudes / ‖W + scale · B · A‖ · (W + scale · B · A) x. */
  magnitudes?: Float32Array<ArrayBuffer>;
}

/**
 * A LoRA adapter as PEFT stores it; `modules` are keyed by name, such as `model.layers.0.self_attn.q_proj`, experts by their
 * parameter's (peftExperts.ts).
 */
export interface PeftAdapter {
  config: PeftConfig;
  modules: Map<string, PeftModule>;
  /** Matrices trained in full (`modules_to_save`), by module; none where it is absent. */
  saved?: ReadonlyMap<string, PeftSaved>;
  /**
   * Matrices of the base that the adapter brings along, by module, which nothing names in modules_to_save: PEFT stores
   * embeddings so where the vocabulary was resized, and the head where it has LoRA. None where it is absent.
   */
  replaced?: ReadonlyMap<string, PeftSaved>;
  /** Trained biases `[outFeatures]` that replace the base's, by module. None where it is absent. */
  biases?: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** The head of a tied model, where the saved embedding is it as well (`ensure_weight_tying`). */
  tiedHead?: string;
}

const configFile = 'adapter_config.json';
const weightsFile = adapterStorage.F32.file;
const prefix = 'base_model.model.';

/**
 * Reads a PEFT adapter folder. Throws `formats.adapter_*` for a missing file, a wrong field, anything that isn't plain
 * LoRA or DoRA with biases and fully trained modules (LoRA on embeddings, other methods), and weights that don't fit the config or each other.
 */
export async function readAdapter(folder: Folder): Promise<PeftAdapter> {
  const names = await folder.list();
  if (!names.includes(configFile)) {
    throw new GraftError('formats.adapter_missing', { folder: folder.name, file: configFile });
  }
  const config = checkPeftConfig(await readJsonObject(folder, configFile), folder.name, configFile);
  const dtype = storedDtype(names, folder.name);
  const stored = await openSafetensors(await folder.open(adapterStorage[dtype].file));
  if (dtype === 'I8') checkInt8Version(stored);
  const file = dtype === 'I8' ? stored : withoutAdapterName(stored);
  const modules = new Map<string, PeftModule>();
  const saved = new Map<string, PeftSaved>();
  const replaced = new Map<string, PeftSaved>();
  for (const tensor of file.tensors.keys()) {
    const module = savedModuleOf(tensor, config);
    const base = module === undefined ? baseModuleOf(tensor) : undefined;
    if (module !== undefined) saved.set(module, openSaved(file, tensor));
    else if (base !== undefined) replaced.set(base, openSaved(file, tensor));
  }
  checkSaved(config, saved, file.source.name);
  const storedNames = moduleNames(file, config, dtype);
  for (const name of storedNames) {
    const parameter = parameterOf(name, config.target_parameters ?? [], storedNames);
    const stored = { name, module: parameter ?? name, isExperts: parameter !== null };
    modules.set(stored.module, await readModule(file, stored, config, dtype));
  }
  if (modules.size + saved.size === 0)
    throw new GraftError('formats.adapter_empty', { file: file.source.name });
  const biases = config.bias === 'none' ? new Map() : await readBiases(file, modules);
  return { config, modules, saved, replaced, ...(biases.size > 0 && { biases }) };
}

/** Which of its two files a folder holds the weights in. Throws `formats.adapter_*` for neither and both. */
function storedDtype(names: readonly string[], folder: string): AdapterDtype {
  const { F32, I8 } = adapterStorage;
  const has = { F32: names.includes(F32.file), I8: names.includes(I8.file) };
  if (has.F32 && has.I8)
    throw new GraftError('formats.adapter_twice', { folder, file: F32.file, other: I8.file });
  if (has.I8) return 'I8';
  if (has.F32) return 'F32';
  if (names.includes('adapter_model.bin')) throw new GraftError('formats.adapter_pickle', { folder });
  throw new GraftError('formats.adapter_missing', { folder, file: F32.file });
}

/**
 * Writes a PEFT adapter folder: `adapter_model.safetensors` in F32 with sorted keys, then `adapter_config.json` as
 * PEFT writes it (sorted keys and target_modules, `inference_mode` true). With dtype I8 the weights go to
 * `adapter_model.int8.safetensors` instead (adapterMatrix.ts), which PEFT doesn't read. Throws `formats.adapter_shape`
 * and `formats.adapter_scale` for modules the config doesn't describe, `formats.adapter_not_finite` for what 8 bits
 * can't hold, and what the folder throws.
 */
export async function writeAdapter(
  folder: Pick<WritableFolder, 'create'>,
  adapter: PeftAdapter,
  { dtype = 'F32' }: { dtype?: AdapterDtype } = {},
): Promise<void> {
  const { config, modules, saved = new Map<string, PeftSaved>() } = adapter;
  const { file, metadata } = adapterStorage[dtype];
  const pairs = [...modules].flatMap(([module, weights]) => {
    checkModule(module, weights, config);
    const { a, rank, inFeatures, outFeatures, experts, magnitudes } = weights;
    const columns = (experts ?? 1) * rank;
    const b = experts ? expertsTogether(weights.b, { experts, out: outFeatures, rank }) : weights.b;
    const name = wrapperOf(module, modules);
    return [
      ...(magnitudes ? [vectorOf(magnitudeKey(module), magnitudes)] : []),
      ...encodeMatrix(loraKey(name, 'A', dtype), a, [columns, inFeatures], dtype),
      ...encodeMatrix(loraKey(name, 'B', dtype), b, [outFeatures, columns], dtype),
    ];
  });
  const vectors = [...(adapter.biases ?? [])].map(([module, values]) =>
    vectorOf(biasKey(module, modules), values),
  );
  const entries: AdapterEntry[] = [
    ...[...pairs, ...vectors].map(({ bytes, ...entry }) => ({
      ...entry,
      write: (writer: SafetensorsWriter) => writer.write(entry.name, bytes),
    })),
    ...[...saved, ...tiedCopy(adapter)].map(([module, matrix]) => ({
      name: savedKey(module),
      dtype: 'F32',
      shape: [matrix.rows, matrix.cols],
      write: async (writer: SafetensorsWriter) => {
        for await (const bytes of savedBytes(matrix, 'F32')) await writer.write(savedKey(module), bytes);
      },
    })),
  ];
  entries.sort((x, y) => byCodePoint(x.name, y.name));
  await writeEntries(await folder.create(file), entries, metadata);
  // Last, because a folder counts as an adapter only with it.
  await writeText(folder, configFile, adapterConfigJson(config));
}

/** The head that is the saved embedding: PEFT stores both. */
function tiedCopy({ saved, tiedHead }: PeftAdapter): [string, PeftSaved][] {
  const [embedding] = saved?.values() ?? [];
  return tiedHead !== undefined && embedding && !saved?.has(tiedHead) ? [[tiedHead, embedding]] : [];
}

/** The bytes of an adapter's weights as `writeAdapter` stores them, without the file's header. */
export function adapterBytes(adapter: PeftAdapter, dtype: AdapterDtype): number {
  const { modules, saved } = adapter;
  let bytes = 0;
  for (const values of adapter.biases?.values() ?? []) bytes += values.byteLength;
  for (const { rank, inFeatures, outFeatures, magnitudes, experts = 1 } of modules.values()) {
    bytes += magnitudes?.byteLength ?? 0;
    const columns = experts * rank;
    bytes += matrixBytes([columns, inFeatures], dtype) + matrixBytes([outFeatures, columns], dtype);
  }
  const matrices = [...(saved ?? []), ...tiedCopy(adapter)];
  for (const [, { rows, cols }] of matrices) bytes += 4 * rows * cols;
  return bytes;
}

/** A tensor of an adapter's file, and how its bytes get there. */
interface AdapterEntry extends TensorEntry {
  write(writer: SafetensorsWriter): Promise<void>;
}

async function writeEntries(
  sink: ByteSink,
  entries: readonly AdapterEntry[],
  metadata: Record<string, string>,
): Promise<void> {
  const writer = new SafetensorsWriter(sink, entries, metadata);
  try {
    for (const entry of entries) await entry.write(writer);
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
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

/** The name of a module's A or B in adapter_model.safetensors. */
export function loraKey(module: string, side: 'A' | 'B', dtype: AdapterDtype = 'F32'): string {
  return `${prefix}${module}.lora_${side}.${adapterStorage[dtype].key}`;
}

/** The key of a module's magnitudes, which PEFT saves without “.weight”. */
function magnitudeKey(module: string): string {
  return `${prefix}${module}.lora_magnitude_vector`;
}

/** The key of a module's bias, which is in PEFT's `base_layer` under a module with LoRA. */
function biasKey(module: string, modules: ReadonlyMap<string, unknown>): string {
  return `${prefix}${module}${modules.has(module) ? '.base_layer' : ''}.bias`;
}

function vectorOf(name: string, values: Float32Array<ArrayBuffer>) {
  return { name, dtype: 'F32', shape: [values.length], bytes: encodeFloats(values, 'F32') };
}

/** The module of a tensor that is a bias of the base model's; undefined for another tensor. */
function biasModuleOf(tensor: string): string | undefined {
  if (/\.lora_[AB]\./.test(tensor)) return undefined;
  return /^base_model\.model\.(.+?)(?:\.base_layer)?\.bias$/s.exec(tensor)?.[1];
}

/** Biases that PEFT loads: under a module with LoRA those in its `base_layer`. Throws `formats.adapter_*`. */
async function readBiases(file: SafetensorsFile, modules: ReadonlyMap<string, unknown>) {
  const biases = new Map<string, Float32Array<ArrayBuffer>>();
  for (const tensor of file.tensors.keys()) {
    const module = biasModuleOf(tensor);
    if (module === undefined) continue;
    if (biasKey(module, modules) !== tensor) {
      const params = { file: file.source.name, tensor: clip(tensor), kind: 'it is a trained bias' };
      throw new GraftError('formats.adapter_key', params);
    }
    biases.set(module, await readVector(file, tensor));
  }
  return biases;
}

async function readVector(file: SafetensorsFile, tensor: string): Promise<Float32Array<ArrayBuffer>> {
  const { dtype, shape } = file.get(tensor);
  if (shape.length !== 1) {
    const params = { file: file.source.name, tensor: clip(tensor), shape: shapeText(shape) };
    throw new GraftError('formats.adapter_shape', { ...params, expected: '[outputs]' });
  }
  return decodeFloats(await file.read(tensor), dtype, clip(tensor));
}

/** The modules of a weights file, in its order; every other tensor must be one half of a pair. */
function moduleNames(file: SafetensorsFile, config: PeftConfig, dtype: AdapterDtype): Set<string> {
  const modules = new Set<string>();
  for (const tensor of file.tensors.keys()) {
    if (savedModuleOf(tensor, config) !== undefined || baseModuleOf(tensor) !== undefined) continue;
    if (biasModuleOf(tensor) !== undefined && config.bias !== 'none') continue;
    const module = magnitudeModuleOf(tensor, config) ?? moduleOfTensor(tensor, dtype);
    if (module === undefined) {
      const params = { file: file.source.name, tensor: clip(tensor), kind: kindOf(tensor) };
      throw new GraftError('formats.adapter_key', params);
    }
    modules.add(module);
  }
  return modules;
}

/** The module whose magnitudes a tensor is; undefined for another tensor, and without DoRA. */
function magnitudeModuleOf(tensor: string, { use_dora: dora }: PeftConfig): string | undefined {
  return dora
    ? /^base_model\.model\.(.+)\.lora_magnitude_vector(?:\.weight)?$/s.exec(tensor)?.[1]
    : undefined;
}

function kindOf(tensor: string): string {
  if (tensor.includes('lora_magnitude_vector')) return 'it is a DoRA magnitude';
  if (tensor.includes('lora_embedding_')) return 'it is LoRA on an embedding';
  if (/lora_[AB]\.bias$/.test(tensor)) return 'it is a bias inside LoRA';
  if (!tensor.startsWith(prefix)) return `its name does not start with ${prefix}`;
  if (tensor.includes('.trainable_tokens_')) return 'it contains rows of single trained tokens';
  if (/\.(?:base_layer|original_module)\./.test(tensor)) return 'it is a weight of the base model';
  return tensor.endsWith('.bias')
    ? 'it is a trained bias'
    : 'it belongs to another method, or to a fully trained module that is not in modules_to_save';
}

async function readModule(
  file: SafetensorsFile,
  { name, module, isExperts }: { name: string; module: string; isExperts: boolean },
  config: PeftConfig,
  dtype: AdapterDtype,
): Promise<PeftModule> {
  const halves = { A: loraKey(name, 'A', dtype), B: loraKey(name, 'B', dtype) };
  for (const [side, other] of [
    ['A', 'B'],
    ['B', 'A'],
  ] as const) {
    if (file.tensors.has(halves[side])) continue;
    const params = { module: clip(module), present: `lora_${other}`, absent: `lora_${side}` };
    throw new GraftError('formats.adapter_half', { file: file.source.name, ...params });
  }
  const { rank, scale } = rankAndScale(config, module);
  const [rows = 0] = file.get(halves.A).shape;
  // How many experts there are follows from the tensors, which must agree.
  const count = isExperts && rows > 0 && rows % rank === 0 ? rows / rank : 1;
  const magnitudes = config.use_dora ? await readMagnitudes(file, module) : undefined;
  const checkShape = (tensor: string, rankAt: 0 | 1, expected: string): void => {
    const { shape } = file.get(tensor);
    if (shape.length === 2 && shape[rankAt] === count * rank && shape[1 - rankAt]! > 0) return;
    const params = { file: file.source.name, tensor: clip(tensor), shape: shapeText(shape), expected };
    throw new GraftError('formats.adapter_shape', params);
  };
  checkShape(halves.A, 0, `[${count * rank}, inputs], according to the rank in ${configFile}`);
  checkShape(halves.B, 1, `[outputs, ${count * rank}], according to the rank in ${configFile}`);
  const [outFeatures] = file.get(halves.B).shape as [number];
  const b = await readMatrix(file, halves.B, dtype);
  if (magnitudes && magnitudes.length !== outFeatures) {
    const params = { file: file.source.name, tensor: clip(magnitudeKey(module)) };
    const shape = { shape: shapeText([magnitudes.length]), expected: `[${outFeatures}], as B` };
    throw new GraftError('formats.adapter_shape', { ...params, ...shape });
  }
  return {
    ...(magnitudes && { magnitudes }),
    rank,
    scale,
    a: await readMatrix(file, halves.A, dtype),
    b: isExperts ? expertsApart(b, { experts: count, out: outFeatures, rank }) : b,
    inFeatures: file.get(halves.A).shape[1]!,
    outFeatures,
    ...(isExperts && { experts: count }),
  };
}

/** The magnitudes of a module with DoRA. Throws `formats.adapter_half`, `formats.adapter_shape`. */
async function readMagnitudes(file: SafetensorsFile, module: string): Promise<Float32Array<ArrayBuffer>> {
  const key = [magnitudeKey(module), `${magnitudeKey(module)}.weight`].find((name) => file.tensors.has(name));
  if (key !== undefined) return readVector(file, key);
  const params = { module: clip(module), present: 'lora_B', absent: 'lora_magnitude_vector' };
  throw new GraftError('formats.adapter_half', { file: file.source.name, ...params });
}

/** Refuses to write what would be read back as something else. */
function checkModule(module: string, weights: PeftModule, config: PeftConfig): void {
  const { rank, scale, a, b, inFeatures, outFeatures, experts = 1 } = weights;
  const expected = rankAndScale(config, module);
  const columns = experts * rank;
  if (rank !== expected.rank || a.length !== columns * inFeatures || b.length !== outFeatures * columns) {
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
