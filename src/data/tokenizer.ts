import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { GraftError, messageOf } from '../lib/errors.ts';
import type { Folder } from '../storage/types.ts';
import { pieceBytes, pieceKindOf } from './pieces.ts';
import { StreamDecoder } from './streamDecoder.ts';
import { readTokenizerFiles, specialTokens, type TokenizerFiles } from './tokenizerFiles.ts';
import { untrusted } from './untrusted.ts';

export { StreamDecoder } from './streamDecoder.ts';

/** What a model's tokens stand for, with what its files say about special ones. */
export interface Vocabulary {
  /** Text of `ids`; invalid UTF-8 shows as U+FFFD. `skipSpecialTokens` (default false) leaves special tokens out. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** The bytes a token stands for, or null when this kind of tokenizer can't say. Unknown ids stand for nothing. */
  pieceBytes(id: number): Uint8Array | null;
  /** The token's string in the vocabulary, such as "▁the", "Ġthe" or "</s>". */
  tokenOf(id: number): string | undefined;
  idOf(token: string): number | undefined;
  /** True when decoding drops one leading space, which encoding had put there. */
  readonly stripsLeadingSpace: boolean;
  /** Where a text begins: the tokenizer's BOS, else the one config.json or generation_config.json names. */
  readonly bosId: number | null;
  /** Tokens that end a generation: the tokenizer's EOS first, then those of generation_config.json and config.json. */
  readonly eosIds: readonly number[];
  readonly padId: number | null;
  /** Ids of added tokens marked special. */
  readonly specialIds: ReadonlySet<number>;
  /** Ids of all added tokens, special or not. */
  readonly addedIds: ReadonlySet<number>;
  /** Largest id + 1. */
  readonly vocabSize: number;
  readonly chatTemplate: string | null;
  /** bos_token, eos_token, … as text, for chat templates. */
  readonly specialTokens: Readonly<Record<string, string>>;
}

/** A model's own tokenizer: a vocabulary that also turns text into tokens, by patterns of the model's making. */
export interface Tokenizer extends Vocabulary {
  /** Token ids of `text`. `addSpecialTokens` (default true) adds BOS and whatever else the tokenizer adds. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** True when encoding with special tokens begins with BOS. */
  readonly addBos: boolean;
}

/**
 * Loads the tokenizer of a model folder (tokenizer.json or Qwen v1's qwen.tiktoken, tokenizer_config.json,
 * special_tokens_map.json, chat_template.jinja, config.json, generation_config.json); null when there is neither
 * vocabulary. Throws `data.tokenizer_invalid` naming the file, `data.tiktoken_line`.
 */
export async function loadTokenizer(folder: Folder): Promise<Tokenizer | null> {
  const files = await readTokenizerFiles(folder);
  return files && createTokenizer(files);
}

/**
 * Loads what turns tokens into text, and runs none of the model's patterns: for threads that must not hang.
 * Null and throws as {@link loadTokenizer}.
 */
export async function loadVocabulary(folder: Folder): Promise<Vocabulary | null> {
  const files = await readTokenizerFiles(folder);
  if (!files) return null;
  const { json } = files;
  // Replacements of any kind may be a program too; the usual ones are known to pieces.ts, which has its own.
  const decoder = pieceKindOf(json.decoder) === null && replaces(json.decoder) ? null : json.decoder;
  const safe = { ...files, json: { ...json, decoder } };
  return createVocabulary(safe, openLibrary(safe));
}

/** Builds a tokenizer from parsed files. Throws `data.tokenizer_invalid`. */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const hub = openLibrary(files);
  const vocabulary = createVocabulary(files, hub);
  const special = specialTokens(files);
  const ownBos = special.bos_token === undefined ? null : (hub.token_to_id(special.bos_token) ?? null);
  const encodeText = (text: string, options?: { add_special_tokens: boolean }) =>
    untrusted('tokenizer', text.length, () => hub.encode(text, options).ids);
  let first: number | undefined;
  try {
    first = encodeText('a')[0];
  } catch (error) {
    throw unusable(files, error);
  }
  const addsBos = ownBos !== null && first === ownBos;
  const addBos = ownBos !== null && (files.addBosToken ?? addsBos);
  return {
    ...vocabulary,
    addBos,
    encode(text, { addSpecialTokens = true } = {}) {
      if (!addSpecialTokens) return text === '' ? [] : encodeText(text, { add_special_tokens: false });
      const ids = encodeText(text);
      // tokenizer_config.json's add_bos_token has the last word over tokenizer.json, as in transformers.
      if (addBos && !addsBos) return [ownBos, ...ids];
      return addsBos && !addBos ? ids.slice(1) : ids;
    },
  };
}

function openLibrary(files: TokenizerFiles): HubTokenizer {
  try {
    return new HubTokenizer(files.json, files.config);
  } catch (error) {
    throw unusable(files, error);
  }
}

function unusable({ file }: TokenizerFiles, error: unknown): GraftError {
  return new GraftError('data.tokenizer_invalid', { file, detail: messageOf(error) }, { cause: error });
}

/** Whether a decoder of tokenizer.json replaces text. */
function replaces(decoder: unknown): boolean {
  if (typeof decoder !== 'object' || decoder === null) return false;
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return type === 'Replace' || (Array.isArray(decoders) && decoders.some(replaces));
}

function createVocabulary(files: TokenizerFiles, hub: HubTokenizer): Vocabulary {
  const { json } = files;
  const added = hub.get_added_tokens_decoder();
  const kind = pieceKindOf(json.decoder);
  const pieces = new Map<number, Uint8Array>();
  const specialIds = new Set([...added].filter(([, token]) => token.special).map(([id]) => id));

  const special = specialTokens(files);
  const idOf = (token: string | undefined) => (token === undefined ? undefined : hub.token_to_id(token));
  const ownBos = idOf(special.bos_token) ?? null;

  const vocabulary: Vocabulary = {
    decode(ids, { skipSpecialTokens = false } = {}) {
      if (kind) {
        const decoder = new StreamDecoder(vocabulary, { skipSpecialTokens });
        return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
      }
      // The library refuses an empty list, and by default rewrites " ." to ".", which the model didn't say.
      if (ids.length === 0) return '';
      return hub.decode([...ids], {
        skip_special_tokens: skipSpecialTokens,
        clean_up_tokenization_spaces: false,
      });
    },
    pieceBytes(id) {
      if (!kind) return null;
      let bytes = pieces.get(id);
      if (!bytes) {
        const token = hub.id_to_token(id);
        bytes = token === undefined ? new Uint8Array(0) : pieceBytes(token, added.has(id), kind);
        pieces.set(id, bytes);
      }
      return bytes;
    },
    tokenOf: (id) => hub.id_to_token(id),
    idOf: (token) => hub.token_to_id(token),
    stripsLeadingSpace: kind?.stripsLeadingSpace ?? false,
    bosId: ownBos ?? files.bosIds[0] ?? null,
    eosIds: [...new Set([idOf(special.eos_token) ?? [], files.eosIds].flat())],
    padId: idOf(special.pad_token) ?? files.padIds[0] ?? null,
    specialIds,
    addedIds: new Set(added.keys()),
    vocabSize: maxId(hub) + 1,
    chatTemplate: files.chatTemplate,
    specialTokens: special,
  };
  return vocabulary;
}

/**
 * Checks that every token the tokenizer can produce has a row in the model's embedding of `vocabSize` rows.
 * Throws `data.tokenizer_mismatch` naming the largest token.
 */
export function checkTokenizerFits(tokenizer: Vocabulary, vocabSize: number): void {
  if (tokenizer.vocabSize <= vocabSize) return;
  const maxId = tokenizer.vocabSize - 1;
  throw new GraftError('data.tokenizer_mismatch', {
    maxId,
    token: tokenizer.tokenOf(maxId) ?? '?',
    vocabSize,
  });
}

function maxId(hub: HubTokenizer): number {
  let largest = -1;
  for (const id of hub.get_vocab().values()) largest = Math.max(largest, id);
  return largest;
}
