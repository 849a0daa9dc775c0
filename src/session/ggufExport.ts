import type { EndToken } from '../content/data/labels/turnEnd.ts';
import type { ChatParts } from '../content/data/template/chatParts.ts';
import { loadVocabulary } from '../content/data/tokenizer/tokenizer.ts';
import { readTokenizerFiles, specialTokens } from '../content/data/tokenizer/tokenizerFiles.ts';
import { CHAT_FILE_BYTES, chatPage, type ChatPageParts } from '../content/formats/gguf/chatPage.ts';
import { ggufOf } from '../content/formats/gguf/ggufFolder.ts';
import { ggufExportTypes, type GgufExportType } from '../content/formats/gguf/exportTypes.ts';
import { loraGguf, type LoraGguf } from '../content/formats/gguf/loraGguf.ts';
import { modelfile } from '../content/formats/gguf/modelfile.ts';
import { originKeys, type ModelOrigin } from '../content/formats/gguf/modelKeys.ts';
import { parseSentencePiece } from '../content/formats/gguf/sentencePiece.ts';
import { copiedTokenizerKeys, tokenizerKeys } from '../content/formats/gguf/tokenizerKeys.ts';
import type { GgufKey } from '../content/formats/gguf/ggufWriter.ts';
import { readJsonObject } from '../content/formats/text.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import type { Folder } from '../base/storage/types.ts';
import { parseBoundedJson } from '../base/lib/boundedJson.ts';
import { GraftError } from '../base/lib/errors.ts';
import type { RunRecord } from '../base/config/runRecord.ts';
import { architectureOf, planGguf, type GgufJob } from '../engine/merge/gguf/ggufJob.ts';
import { textFile, type GgufOptions } from '../engine/merge/gguf/writeGguf.ts';
import { checkMergeJob, mergeJob } from '../engine/merge/mergeJob.ts';
import { generationFile, planEnds } from '../engine/merge/outputEnds.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';
import type { DecoderSpec } from '../engine/model/spec/spec.ts';
import type { MergeContent } from './mergeTrained.ts';

/** The GGUF file in a folder for Ollama, and in that of a chat page where it is not in parts. */
export const modelFile = 'model.gguf';

/** What is written beside a model's GGUF, and how large its files may be. */
export type BesideGguf = Pick<GgufOptions, 'last' | 'maxFileBytes'>;

/** How a model is exported as GGUF. */
export interface GgufSettings {
  type: GgufExportType;
  /** `general.name`. */
  title: string;
  /** Tokens that training taught to end answers with. */
  ends?: readonly EndToken[];
  /** The run, for its datasets. */
  record?: RunRecord | null;
  /** The weights an adapter is added to. */
  onto?: 'original' | 'dequantized';
}

/**
 * The export of a result as a GGUF file, as a job. Throws what is wrong with its input, before a GPU is opened: `merge.*`,
 * `formats.gguf_write_*`, `model.adapter_*`.
 */
export async function planGgufExport(
  base: ModelFiles,
  content: MergeContent,
  {
    type,
    title,
    ends = [],
    record = null,
    onto = base.quantization ? 'dequantized' : 'original',
  }: GgufSettings,
): Promise<GgufJob> {
  const architecture = architectureOf(base.spec);
  // Values are rounded once, to the file's type.
  const merge = mergeJob(base, content.adapter, { onto, trained: content.trained, ends, floats: 'F32' });
  checkMergeJob(merge);
  const planned = await planEnds(base.folder, ends);
  return {
    merge,
    type,
    keys: {
      general: originKeys(architecture.name, 'model', await originOf(base.folder, title, record)),
      tokenizer: await tokenizerOf(base, planned.ids),
    },
    config: await readJsonObject(base.folder, 'config.json'),
  };
}

/** What an export will be, before it is made: its bytes, and tensors that fall back to another type for their width. */
export interface GgufForecast {
  bytes: number;
  /** Tensors by type. */
  types: Record<string, number>;
  /** Tensors in another type than the export's, since their rows are no multiple of its blocks. */
  fallbacks: number;
}

/** Forecasts an export. Throws what planning throws. */
export async function forecastGguf(gpu: Gpu, job: GgufJob): Promise<GgufForecast> {
  const { tensors, totalBytes, output } = await planGguf(gpu, job, modelFile);
  output.workspace.dispose();
  const types: Record<string, number> = {};
  for (const { entry } of tensors) types[entry.type] = (types[entry.type] ?? 0) + 1;
  return {
    bytes: totalBytes,
    types,
    fallbacks: tensors.filter(({ isFallback }) => isFallback).length,
  };
}

/** The same for every type. */
export async function ggufForecasts(
  gpu: Gpu,
  base: ModelFiles,
  content: MergeContent,
  title: string,
): Promise<Record<GgufExportType, GgufForecast>> {
  const job = await planGgufExport(base, content, { type: 'f32', title });
  const all: [GgufExportType, GgufForecast][] = [];
  for (const type of ggufExportTypes) all.push([type, await forecastGguf(gpu, { ...job, type })]);
  return Object.fromEntries(all) as Record<GgufExportType, GgufForecast>;
}

/** A LoRA adapter as a GGUF file, for llama.cpp's `--lora`. Throws `merge.gguf_*`. */
export async function loraExport(
  base: ModelFiles,
  { adapter }: MergeContent,
  title: string,
  record: RunRecord | null = null,
): Promise<LoraGguf> {
  if (!adapter) throw new GraftError('merge.gguf_needs_adapter');
  const { spec } = base;
  const architecture = architectureOf(spec);
  checkLoraAlone(spec, adapter, 'GGUF');
  const general = originKeys(architecture.name, 'adapter', await originOf(base.folder, title, record));
  return loraGguf(architecture, spec, adapter, general);
}

/**
 * Checks that an adapter is LoRA alone, on matrices that another program has: that program takes nothing else.
 * Throws `merge.lora_saved`, `merge.lora_only`, `merge.lora_head`.
 * @param format what it is exported as
 */
export function checkLoraAlone(spec: DecoderSpec, adapter: PeftAdapter, format: string): void {
  const [saved] = [...(adapter.saved?.keys() ?? []), ...(adapter.replaced?.keys() ?? [])];
  if (saved !== undefined) throw new GraftError('merge.lora_saved', { module: saved, format });
  for (const [module, { magnitudes }] of adapter.modules) {
    if (magnitudes) throw new GraftError('merge.lora_only', { module, format, what: 'DoRA magnitudes' });
  }
  const [biased] = adapter.biases?.keys() ?? [];
  if (biased !== undefined)
    throw new GraftError('merge.lora_only', { module: biased, format, what: 'trained bias' });
  if (spec.tied && adapter.modules.has(spec.names.head))
    throw new GraftError('merge.lora_head', { module: spec.names.head, format });
}

async function originOf(folder: Folder, name: string, record: RunRecord | null): Promise<ModelOrigin> {
  const { origin } = folder;
  const dataset = /^hf:datasets\/([^/@]+\/[^/@]+)/.exec(record?.data.file ?? '')?.[1];
  return {
    name,
    license: origin?.license ?? ggufOf(folder)?.text('general.license') ?? (await cardLicense(folder)),
    baseRepo: origin?.repo ?? null,
    datasets: dataset === undefined ? [] : [dataset],
  };
}

/** The licence of a model card's front matter; null where there is none. */
async function cardLicense(folder: Folder): Promise<string | null> {
  if (!(await folder.list()).includes('README.md')) return null;
  const source = await folder.open('README.md');
  const text = new TextDecoder().decode(await source.read(0, Math.min(source.size, 1 << 16)));
  return /^---\r?\n(?:.*\r?\n)*?license:\s*["']?([\w.+-]+)/.exec(text)?.[1] ?? null;
}

/** The `tokenizer.*` keys of a base: those of its GGUF file, or made from its own files. */
async function tokenizerOf({ folder, spec }: ModelFiles, endIds: readonly number[]): Promise<GgufKey[]> {
  const gguf = ggufOf(folder);
  if (gguf) return copiedTokenizerKeys(gguf, endIds);
  const files = await readTokenizerFiles(folder);
  if (!files) throw new GraftError('formats.gguf_write_tokenizer', { what: 'there is none' });
  const json = typeof files.json === 'string' ? parseBoundedJson(files.json) : files.json;
  const names = await folder.list();
  const model = names.includes('tokenizer.model') ? await folder.open('tokenizer.model') : null;
  return tokenizerKeys({
    json: json as Record<string, unknown>,
    sentencePiece: model && parseSentencePiece(await model.read(0, model.size)),
    vocabSize: spec.vocabSize,
    special: specialTokens(files),
    endIds: endIds.length > 0 ? endIds : files.eosIds,
    chatTemplate: files.chatTemplate,
    toolTemplate: files.toolTemplate,
  });
}

/** Settings of a model's generation_config.json; none where it has none. */
async function generationOf(folder: Folder): Promise<Readonly<Record<string, unknown>>> {
  return (await folder.list()).includes(generationFile) ? readJsonObject(folder, generationFile) : {};
}

/**
 * The Modelfile of an export for Ollama: its template where that is fixed texts around messages, stops, settings.
 * @param chat what the model's template writes around messages; it runs where templates may run
 */
export async function besideForOllama(
  { folder, spec }: ModelFiles,
  ends: readonly EndToken[],
  chat: ChatParts | null,
): Promise<BesideGguf> {
  const planned = await planEnds(folder, ends);
  const generation = await generationOf(folder);
  const vocabulary = await loadVocabulary(folder);
  const ids = [...planned.ids, ...(vocabulary?.eosIds ?? [])];
  const stops = [...ends.map(({ token }) => token), ...ids.flatMap((id) => vocabulary?.tokenOf(id) ?? [])];
  const facts = { file: modelFile, chat, stops, generation, maxPositions: spec.maxPositions };
  return { last: [textFile('Modelfile', modelfile(facts))] };
}

/** The chat page of an export. @param maxFileBytes the most bytes of a file of the model, if not as many as browsers hold well */
export async function besideInChatPage(
  { folder, spec }: ModelFiles,
  title: string,
  parts: ChatPageParts,
  maxFileBytes = Infinity,
): Promise<BesideGguf> {
  const facts = { title, generation: await generationOf(folder), maxPositions: spec.maxPositions };
  return {
    maxFileBytes: Math.min(maxFileBytes, CHAT_FILE_BYTES),
    last: (files) => chatPage({ ...facts, files }, parts),
  };
}
