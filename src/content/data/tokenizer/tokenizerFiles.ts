import { parseBoundedJson } from '../../../base/lib/boundedJson.ts';
import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { tokenizerLimits } from '../programLimits.ts';
import { QWEN_TEMPLATE, QWEN_VOCABULARY, qwenFiles } from '../template/qwenV1.ts';
import { readTemplates } from '../template/templateFiles.ts';
import { isTokenId } from './model.ts';
import { takeMerges } from './mergesText.ts';
import { decodeUtf8 } from '../files/utf8.ts';

type Json = Record<string, unknown>;

/** The tokenizer data in a model folder's files. */
export interface TokenizerFiles {
  /**
   * tokenizer.json as text, which transfers faster between threads; or its equivalent for the vocabulary in
   * qwen.tiktoken. {@link tokenizerJson} parses it.
   */
  json: string | Json;
  /** The file `json` came from. */
  file: 'tokenizer.json' | typeof QWEN_VOCABULARY;
  /** tokenizer_config.json, or {} */
  config: Json;
  /** special_tokens_map.json, or {} */
  specialTokensMap: Json;
  chatTemplate: string | null;
  /** The template for conversations with tools, if the model has a separate one. */
  toolTemplate: string | null;
  /** Ids from generation_config.json, then config.json; for Qwen v1 also those that end its chat. */
  bosIds: number[];
  eosIds: number[];
  padIds: number[];
}

/**
 * Reads the tokenizer's files of a model folder; null without tokenizer.json and qwen.tiktoken. Throws
 * `data.tokenizer_invalid`, `data.tiktoken_line`.
 */
export async function readTokenizerFiles(folder: Folder): Promise<TokenizerFiles | null> {
  const names = new Set(await folder.list());
  const isQwen = !names.has('tokenizer.json') && names.has(QWEN_VOCABULARY);
  if (!names.has('tokenizer.json') && !isQwen) return null;

  const text = async (file: string): Promise<string | null> => {
    if (!names.has(file)) return null;
    const source = await folder.open(file);
    if (source.size > tokenizerLimits.fileBytes)
      throw invalid(file, `it has more than ${tokenizerLimits.fileBytes} bytes`);
    const decoded = decodeUtf8(await source.read(0, source.size));
    if (decoded === null) throw invalid(file, 'it is not valid UTF-8');
    return decoded.replace(/^\ufeff/, '');
  };
  const object = async (file: string): Promise<Json> => {
    const content = await text(file);
    return content === null ? {} : parseObject(content, file);
  };

  const config = await object('tokenizer_config.json');
  const models = [await object('generation_config.json'), await object('config.json')];
  const ids = (key: string) => [...new Set(models.flatMap((model) => idsOf(model[key])))];
  const qwen = isQwen ? qwenFiles((await text(QWEN_VOCABULARY)) ?? '') : null;
  return {
    json: qwen?.json ?? (await text('tokenizer.json')) ?? '',
    file: qwen ? QWEN_VOCABULARY : 'tokenizer.json',
    config,
    specialTokensMap: { ...qwen?.specialTokensMap, ...(await object('special_tokens_map.json')) },
    ...(await readTemplates(folder, {
      own: await text('chat_template.jinja'),
      configured: [config.chat_template, (await object('chat_template.json')).chat_template],
      otherwise: qwen && QWEN_TEMPLATE,
    })),
    bosIds: ids('bos_token_id'),
    eosIds: [...ids('eos_token_id'), ...(qwen?.eosIds ?? [])],
    padIds: ids('pad_token_id'),
  };
}

/**
 * Parses tokenizer.json or its equivalent; the merges of a BPE model stay text ({@link takeMerges}). Throws
 * `data.tokenizer_invalid` if it is not a JSON object.
 */
export function tokenizerJson({ json, file }: Pick<TokenizerFiles, 'json' | 'file'>): Json {
  if (typeof json !== 'string') return json;
  const taken = takeMerges(json);
  if (!taken) return parseObject(json, file);
  const parsed = parseObject(taken.rest, file);
  const model = parsed.model as Json | null;
  // The last of duplicate keys wins.
  if (!Array.isArray(model?.merges) || model.merges.length > 0) return parseObject(json, file);
  return { ...parsed, model: { ...model, merges: taken.merges } };
}

/** Small values take many times their text in memory, and nothing can end `JSON.parse` when a heap is full. */
function checkValues(json: string, file: string): void {
  const { values } = tokenizerLimits;
  let count = 0;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === COMMA || unit === BRACKET || unit === BRACE) count++;
  }
  if (count > values) throw invalid(file, `it has more than ${values} values`);
}

const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

function parseObject(content: string, file: string): Json {
  checkValues(content, file);
  let value: unknown;
  try {
    value = parseBoundedJson(content);
  } catch (error) {
    throw invalid(file, messageOf(error), error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(file, 'it is not a JSON object');
  return value as Json;
}

/**
 * bos_token, eos_token, unk_token, pad_token, … as text: tokenizer_config.json takes precedence over
 * special_tokens_map.json.
 */
export function specialTokens({ config, specialTokensMap }: TokenizerFiles): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of [
    'bos_token',
    'eos_token',
    'unk_token',
    'pad_token',
    'sep_token',
    'cls_token',
    'mask_token',
  ]) {
    // A null in tokenizer_config.json means "none" and isn't filled from the older file.
    const value = Object.hasOwn(config, name) ? config[name] : specialTokensMap[name];
    const token = typeof value === 'object' && value !== null ? (value as Json).content : value;
    if (typeof token === 'string') found[name] = token;
  }
  return found;
}

function idsOf(value: unknown): number[] {
  return [value].flat().filter(isTokenId);
}

function invalid(file: string, detail: string, cause?: unknown): GraftError {
  return new GraftError('data.tokenizer_invalid', { file, detail }, { cause });
}
