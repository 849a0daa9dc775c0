import { GraftError } from '../../../base/lib/errors.ts';
import { clip } from '../safetensorsHeader.ts';
import type { GgufFile } from './ggufFile.ts';
import type { GgufKey } from './ggufWriter.ts';
import { tokenTypes } from './ggufTokenizer.ts';
import { findPreTokenizer, preTokenizers } from './preTokenizers.ts';
import type { SentencePiece } from './sentencePiece.ts';

type Json = Readonly<Record<string, unknown>>;

/** A model's tokenizer, as far as a GGUF file has it. */
export interface WrittenTokenizer {
  /** tokenizer.json, its merges as they stand there. */
  json: Json;
  /** tokenizer.model, for SentencePiece; null where there is none. */
  sentencePiece: SentencePiece | null;
  /** Rows of the embedding: as many tokens are written. */
  vocabSize: number;
  /** bos, eos, unk, sep, pad, cls, mask: their tokens. */
  special: Readonly<Record<string, string>>;
  /** All tokens that end an answer, by id. */
  endIds: readonly number[];
  chatTemplate: string | null;
  toolTemplate: string | null;
}

interface Added {
  id: number;
  content: string;
  special: boolean;
}

/** llama.cpp's names of special tokens where they differ. */
const NAMES: Readonly<Record<string, string>> = { unk: 'unknown', sep: 'seperator', pad: 'padding' };

/**
 * The `tokenizer.*` keys of a model (llama.cpp's `get_vocab_base`, gguf-py's `SpecialVocab`). The pre-tokenizer is found by
 * what tokenizer.json says, and refused by name where llama.cpp has none that splits alike. Throws
 * `formats.gguf_write_pre`, `formats.gguf_write_tokenizer`.
 */
export function tokenizerKeys(tokenizer: WrittenTokenizer): GgufKey[] {
  const { json, vocabSize, special, endIds } = tokenizer;
  const model = (json.model ?? {}) as Json;
  const added = addedTokens(json);
  const kind = model.type ?? (Array.isArray(model.merges) ? 'BPE' : 'unknown');
  if (kind !== 'BPE') throw unsupported(`a tokenizer of type ${String(kind)}`);
  const base =
    model.byte_fallback === true ? sentencePieceKeys(tokenizer, added) : bytePairKeys(json, added, vocabSize);
  const idOf = new Map(base.tokens.map((token, id) => [token, id]));
  const ids = Object.entries(special).flatMap(([name, token]): GgufKey[] => {
    const short = name.replace(/_token$/, '');
    const id = idOf.get(token);
    if (id === undefined) return [];
    return [{ key: `tokenizer.ggml.${NAMES[short] ?? short}_token_id`, type: 'u32', value: id }];
  });
  const eos = idOf.get(special.eos_token ?? '') ?? endIds[0];
  if (special.eos_token === undefined && eos !== undefined)
    ids.push({ key: 'tokenizer.ggml.eos_token_id', type: 'u32', value: eos });
  // llama.cpp ends at these as well.
  const others = endIds.filter((id) => id !== eos && id < vocabSize);
  ['eot', 'eom'].forEach((name, i) => {
    const id = others[i];
    if (id !== undefined) ids.push({ key: `tokenizer.ggml.${name}_token_id`, type: 'u32', value: id });
  });
  const { chatTemplate, toolTemplate } = tokenizer;
  const frame = frameOf(json, special);
  return [
    ...base.keys,
    ...ids,
    { key: 'tokenizer.ggml.add_bos_token', type: 'bool', value: frame.bos },
    { key: 'tokenizer.ggml.add_eos_token', type: 'bool', value: frame.eos },
    ...(chatTemplate === null
      ? []
      : [{ key: 'tokenizer.chat_template', type: 'string', value: chatTemplate } as const]),
    ...(toolTemplate === null
      ? []
      : [
          { key: 'tokenizer.chat_templates', type: 'string', list: ['tool_use'] } as const,
          { key: 'tokenizer.chat_template.tool_use', type: 'string', value: toolTemplate } as const,
        ]),
  ];
}

/** The same of a model that was opened from a GGUF file: what its file has. */
export function copiedTokenizerKeys(gguf: GgufFile, endIds: readonly number[]): GgufKey[] {
  const keys = [...gguf.keys].flatMap(([key, value]): GgufKey[] => {
    if (!key.startsWith('tokenizer.')) return [];
    if (typeof value === 'string') return [{ key, type: 'string', value }];
    if (typeof value === 'boolean') return [{ key, type: 'bool', value }];
    if (typeof value === 'number') return [{ key, type: key.endsWith('_id') ? 'u32' : 'f32', value }];
    if (Array.isArray(value))
      return typeof value[0] === 'string' ? [{ key, type: 'string', list: value as string[] }] : [];
    return [{ key, type: value instanceof Float32Array ? 'f32' : 'i32', list: value }];
  });
  const names = new Set(keys.map(({ key }) => key));
  const known = ['eos', 'eot', 'eom'].map((name) => gguf.number(`tokenizer.ggml.${name}_token_id`));
  const left = endIds.filter((id) => !known.includes(id));
  for (const name of ['eos', 'eot', 'eom']) {
    const key = `tokenizer.ggml.${name}_token_id`;
    if (left.length > 0 && !names.has(key)) keys.push({ key, type: 'u32', value: left.shift()! });
  }
  return keys;
}

interface Base {
  tokens: string[];
  keys: GgufKey[];
}

function bytePairKeys(json: Json, added: readonly Added[], vocabSize: number): Base {
  const model = json.model as Json;
  const pre = findPreTokenizer(json.pre_tokenizer, model.ignore_merges === true);
  if (!pre) {
    const known = preTokenizers.map(({ names }) => names[0]!).join(', ');
    const found = clip(JSON.stringify(json.pre_tokenizer ?? null));
    throw new GraftError('formats.gguf_write_pre', { found, known });
  }
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(vocabSize).fill(tokenTypes.unused);
  for (const [token, id] of Object.entries((model.vocab ?? {}) as Record<string, number>)) {
    put(tokens, types, id, token, tokenTypes.normal);
  }
  for (const { id, content, special } of added) {
    const type = special || looksSpecial(content) ? tokenTypes.control : tokenTypes.userDefined;
    put(tokens, types, id, content, type);
  }
  const merges = ((model.merges ?? []) as (string | [string, string])[]).map((pair) =>
    typeof pair === 'string' ? pair : pair.join(' '),
  );
  return {
    tokens,
    keys: [
      { key: 'tokenizer.ggml.model', type: 'string', value: 'gpt2' },
      { key: 'tokenizer.ggml.pre', type: 'string', value: pre.names[0]! },
      { key: 'tokenizer.ggml.tokens', type: 'string', list: tokens },
      { key: 'tokenizer.ggml.token_type', type: 'i32', list: types },
      { key: 'tokenizer.ggml.merges', type: 'string', list: merges },
    ],
  };
}

function sentencePieceKeys({ sentencePiece, vocabSize }: WrittenTokenizer, added: readonly Added[]): Base {
  if (!sentencePiece)
    throw unsupported('a SentencePiece tokenizer without tokenizer.model, which has its scores');
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(vocabSize).fill(tokenTypes.unused);
  const scores = new Float32Array(vocabSize).fill(-10_000);
  sentencePiece.pieces.forEach(({ piece, score, type }, id) => {
    put(tokens, types, id, piece, type);
    scores[id] = score;
  });
  for (const { id, content, special } of added) {
    if (types[id] === tokenTypes.control || types[id] === tokenTypes.unknown) continue;
    // Tokens that SentencePiece has as well keep their score.
    if (types[id] !== tokenTypes.normal) scores[id] = -1000;
    const type = special || looksSpecial(content) ? tokenTypes.control : tokenTypes.userDefined;
    put(tokens, types, id, content, type);
  }
  return {
    tokens,
    keys: [
      { key: 'tokenizer.ggml.model', type: 'string', value: 'llama' },
      { key: 'tokenizer.ggml.pre', type: 'string', value: 'default' },
      { key: 'tokenizer.ggml.tokens', type: 'string', list: tokens },
      { key: 'tokenizer.ggml.scores', type: 'f32', list: scores },
      { key: 'tokenizer.ggml.token_type', type: 'i32', list: types },
      { key: 'tokenizer.ggml.add_space_prefix', type: 'bool', value: sentencePiece.addPrefix },
    ],
  };
}

/** Throws `formats.gguf_write_tokenizer` for an id that the embedding has no row for. */
function put(tokens: string[], types: Int32Array, id: number, token: string, type: number): void {
  if (!(id >= 0 && id < tokens.length))
    throw unsupported(`token “${clip(token)}” has id ${id}, and the embedding ${tokens.length} rows`);
  tokens[id] = token;
  types[id] = type;
}

/** llama.cpp's `does_token_look_special`: tokens of chats that some files do not mark as special. */
function looksSpecial(token: string): boolean {
  if (['<pad>', '<mask>', '<2mass>', '[@BOS@]'].includes(token)) return true;
  return /^<\|.*\|>$|^<｜.*｜>$|^<unused\d+>$/su.test(token);
}

function addedTokens(json: Json): Added[] {
  const list = Array.isArray(json.added_tokens) ? (json.added_tokens as Json[]) : [];
  return list.map(({ id, content, special }) => ({
    id: Number(id),
    content: String(content),
    special: special === true,
  }));
}

/** Whether texts get BOS before and EOS behind them: tokenizer.json's `post_processor` decides, as in transformers. */
function frameOf(json: Json, special: Readonly<Record<string, string>>): { bos: boolean; eos: boolean } {
  const all = [json.post_processor].flatMap((one) => {
    const processor = (one ?? {}) as Json;
    return processor.type === 'Sequence' ? (processor.processors as Json[]) : [processor];
  });
  const template = all.find(({ type }) => type === 'TemplateProcessing');
  const single = Array.isArray(template?.single) ? (template.single as Json[]) : [];
  const tokenOf = (part: Json | undefined) => ((part?.SpecialToken ?? {}) as Json).id;
  return {
    bos: special.bos_token !== undefined && tokenOf(single[0]) === special.bos_token,
    eos: special.eos_token !== undefined && tokenOf(single.at(-1)) === special.eos_token,
  };
}

function unsupported(what: string): GraftError {
  return new GraftError('formats.gguf_write_tokenizer', { what });
}
