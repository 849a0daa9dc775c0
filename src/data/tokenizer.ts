import { GraftError, messageOf } from '../lib/errors.ts';
import type { Folder } from '../storage/types.ts';
import { pieceBytes, pieceKindOf, type Lead } from './pieces.ts';
import { UnsupportedError } from './tokenizer/fields.ts';
import { namedTokens } from './tokenizer/namedTokens.ts';
import { openVocabulary, type OpenVocabulary } from './tokenizer/openVocabulary.ts';
import { Pipeline, type Ranges, type SpecialPlace, type TrackedIds } from './tokenizer/pipeline.ts';
import { readTokenizerFiles, specialTokens, tokenizerJson, type TokenizerFiles } from './tokenizerFiles.ts';
import { untrusted } from './untrusted.ts';
import { hasLoneSurrogate } from './utf8.ts';

export { StreamDecoder } from './streamDecoder.ts';
export type { Ranges, SpecialPlace, TrackedIds } from './tokenizer/pipeline.ts';

/** What a model's tokens stand for, with what its files say about special ones. */
export interface Vocabulary {
  /** Text of `ids`; invalid UTF-8 shows as U+FFFD. `skipSpecialTokens` (default false) leaves special tokens out. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** The bytes a token stands for, or null when this kind of tokenizer can't say. Unknown ids stand for nothing. */
  pieceBytes(id: number): Uint8Array | null;
  /** The token's string in the vocabulary, such as "▁the", "Ġthe" or "</s>". */
  tokenOf(id: number): string | undefined;
  idOf(token: string): number | undefined;
  /** What decoding drops at the beginning, which encoding had put there. */
  readonly lead: Lead;
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
  /** Largest id + 1 of the model's own tokens, without those that were added. */
  readonly baseVocabSize: number;
  readonly chatTemplate: string | null;
  /** The template for conversations with tools, where the model has one of its own; null, or left out, without. */
  readonly toolTemplate?: string | null;
  /** bos_token, eos_token, … as text, for chat templates. */
  readonly specialTokens: Readonly<Record<string, string>>;
}

export interface EncodeOptions {
  /** Adds BOS and whatever else the tokenizer adds. Default true. */
  addSpecialTokens?: boolean;
  /**
   * Ranges of the text, in UTF-16 units, in which special tokens that are written out are text like any other: one
   * that overlaps a range isn't taken. Other added tokens still are.
   */
  plain?: Ranges;
}

/** A model's own tokenizer: a vocabulary that also turns text into tokens, by patterns of the model's making. */
export interface Tokenizer extends Vocabulary {
  /** Token ids of `text`. Throws `data.tokenizer_invalid` when it has a character the model has no token for. */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * Token ids of `text` and the range of it that each came from, in UTF-16 units: [0, 0) for those that were added,
   * the whole character for each token of its bytes. Leading spaces count, whatever `trim_offsets` says.
   */
  encodeWithOffsets(text: string, options?: EncodeOptions): TrackedIds;
  /** Special tokens that are written out in `text`, in order. */
  specialTokensIn(text: string): SpecialPlace[];
  /** True when encoding with special tokens begins with BOS. */
  readonly addBos: boolean;
  /** True when encoding with special tokens ends with EOS. */
  readonly addEos: boolean;
}

/**
 * Loads the tokenizer of a model folder (tokenizer.json or Qwen v1's qwen.tiktoken, tokenizer_config.json,
 * special_tokens_map.json, chat_template.jinja, config.json, generation_config.json); null when there is neither
 * vocabulary. Throws `data.tokenizer_invalid` naming the file, `data.tokenizer_unsupported`, `data.tiktoken_line`.
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
  const json = tokenizerJson(files);
  const opened = naming(files, () => openVocabulary(json, namedTokens(files, json)));
  return createVocabulary(files, json, opened);
}

/**
 * Builds a tokenizer from its files. What it adds to a text is tokenizer.json's `post_processor`; `add_bos_token` and
 * `add_eos_token` of tokenizer_config.json count for nothing beside it, as in transformers 5. Throws `data.tokenizer_invalid` and
 * `data.tokenizer_unsupported`.
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const json = tokenizerJson(files);
  const pipeline = naming(files, () => new Pipeline(json, namedTokens(files, json)));
  const vocabulary = createVocabulary(files, json, pipeline);
  const special = specialTokens(files);
  const ownId = (name: string) => pipeline.tokens.idOf(special[name] ?? '') ?? null;
  const [bos, eos] = [ownId('bos_token'), ownId('eos_token')];
  const run = <T>(text: string, work: (text: string) => T) =>
    untrusted('tokenizer', text.length, () => naming(files, () => work(wellFormed(text))));
  return {
    ...vocabulary,
    addBos: bos !== null && pipeline.frame[0] === bos,
    addEos: eos !== null && pipeline.frame.at(-1) === eos,
    encode: (text, { addSpecialTokens = true, plain } = {}) =>
      run(text, (whole) => pipeline.encode(whole, { addSpecialTokens, plain })),
    encodeWithOffsets: (text, { addSpecialTokens = true, plain } = {}) =>
      run(text, (whole) => pipeline.encodeTracked(whole, { addSpecialTokens, plain })),
    specialTokensIn: (text) => run(text, (whole) => pipeline.specialTokensIn(whole)),
  };
}

/** UTF-8 has no lone surrogates: each becomes U+FFFD, as everywhere else. */
function wellFormed(text: string): string {
  return hasLoneSurrogate(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}

function naming<T>({ file }: TokenizerFiles, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraftError) throw error;
    const code = error instanceof UnsupportedError ? 'data.tokenizer_unsupported' : 'data.tokenizer_invalid';
    throw new GraftError(code, { file, detail: messageOf(error) }, { cause: error });
  }
}

function createVocabulary(
  files: TokenizerFiles,
  json: Readonly<Record<string, unknown>>,
  { tokens, decoder }: OpenVocabulary,
): Vocabulary {
  const kind = pieceKindOf(json.decoder);
  const pieces = new Map<number, Uint8Array>();
  const specialIds = new Set([...tokens.added.values()].filter(({ special }) => special).map(({ id }) => id));
  // Tokens are skipped by their text: an added one that is normalized has another than the file says.
  const specialTexts = new Set(Array.from(specialIds, (id) => tokens.tokenOf(id)));
  const special = specialTokens(files);
  const idOf = (token: string | undefined) => (token === undefined ? undefined : tokens.idOf(token));
  return {
    decode(ids, { skipSpecialTokens = false } = {}) {
      const all = ids.flatMap((id) => tokens.textOf(id) ?? []);
      const texts = skipSpecialTokens ? all.filter((text) => !specialTexts.has(text)) : all;
      return decoder ? decoder(texts).join('') : texts.join(' ');
    },
    pieceBytes(id) {
      if (!kind) return null;
      let bytes = pieces.get(id);
      if (!bytes) {
        const token = tokens.textOf(id);
        bytes = token === undefined ? new Uint8Array(0) : pieceBytes(token, kind);
        pieces.set(id, bytes);
      }
      return bytes;
    },
    tokenOf: (id) => tokens.tokenOf(id),
    idOf,
    lead: kind?.lead ?? 'none',
    bosId: idOf(special.bos_token) ?? files.bosIds[0] ?? null,
    eosIds: [...new Set([idOf(special.eos_token) ?? [], files.eosIds].flat())],
    padId: idOf(special.pad_token) ?? files.padIds[0] ?? null,
    specialIds,
    addedIds: new Set([...tokens.added.values()].map(({ id }) => id)),
    vocabSize: tokens.size,
    baseVocabSize: tokens.modelSize,
    chatTemplate: files.chatTemplate,
    toolTemplate: files.toolTemplate,
    specialTokens: special,
  };
}

/**
 * Checks that the tokenizer's own tokens have rows in the model's embedding of `vocabSize` rows, and so have BOS and
 * EOS. Added tokens beyond (a `<pad>`, say) are no error until a text has one: {@link checkIdsFit}. Throws
 * `data.tokenizer_mismatch` naming the largest token.
 */
export function checkTokenizerFits(tokenizer: Vocabulary, vocabSize: number): void {
  const last = tokenizer.baseVocabSize - 1;
  const own = [tokenizer.bosId, tokenizer.eosIds[0]].filter((id) => typeof id === 'number');
  const beyond = [last, ...own].filter((id) => id >= vocabSize);
  if (beyond.length > 0) throw mismatch(tokenizer, Math.max(...beyond), vocabSize);
}

/** Checks that each of a prompt's tokens has a row in the model's embedding. Throws `data.tokenizer_mismatch`. */
export function checkIdsFit(tokenizer: Vocabulary, ids: readonly number[], vocabSize: number): void {
  const beyond = ids.find((id) => id >= vocabSize);
  if (beyond !== undefined) throw mismatch(tokenizer, beyond, vocabSize);
}

function mismatch(tokenizer: Vocabulary, id: number, vocabSize: number): GraftError {
  return new GraftError('data.tokenizer_mismatch', {
    maxId: id,
    token: tokenizer.tokenOf(id) ?? '?',
    vocabSize,
  });
}
