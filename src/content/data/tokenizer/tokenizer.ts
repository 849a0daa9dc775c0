import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { pieceBytes, pieceKindOf } from './pieces.ts';
import { UnsupportedError } from './fields.ts';
import { withGrowth } from './growth.ts';
import { namedTokens } from './namedTokens.ts';
import { openVocabulary, type OpenVocabulary } from './openVocabulary.ts';
import { Pipeline, type Ranges, type SpecialRange, type TrackedIds } from './pipeline.ts';
import { readTokenizerFiles, specialTokens, tokenizerJson, type TokenizerFiles } from './tokenizerFiles.ts';
import { untrusted } from '../template/untrusted.ts';
import { hasLoneSurrogate } from '../files/utf8.ts';
import type { Vocabulary } from './vocabulary.ts';

export { StreamDecoder } from './streamDecoder.ts';
export type { Ranges, SpecialRange, TrackedIds } from './pipeline.ts';

export interface EncodeOptions {
  /** Add BOS and whatever else the tokenizer adds. Default true. */
  addSpecialTokens?: boolean;
  /**
   * Ranges of the text, in UTF-16 units, in which special tokens are treated as plain text; one that overlaps a range
   * is ignored. Other added tokens still match.
   */
  plain?: Ranges;
}

/** A model's tokenizer: a vocabulary that also encodes text, using patterns from the model's files. */
export interface Tokenizer extends Vocabulary {
  /** Token ids of `text`. Throws `data.tokenizer_invalid` if the model has no token for a character. */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * Token ids of `text` and their ranges in it, in UTF-16 units: [0, 0) for added ones, the whole character for each
   * token of its bytes. Leading spaces are included, whatever `trim_offsets` says.
   */
  encodeWithOffsets(text: string, options?: EncodeOptions): TrackedIds;
  /** Special tokens spelled out in `text`, in order. */
  specialTokensIn(text: string): SpecialRange[];
  /** Whether encoding with special tokens starts with BOS. */
  readonly addBos: boolean;
  /** Whether encoding with special tokens ends with EOS. */
  readonly addEos: boolean;
}

/**
 * Loads the tokenizer of a model folder (tokenizer.json or Qwen v1's qwen.tiktoken, tokenizer_config.json,
 * special_tokens_map.json, chat_template.jinja, config.json, generation_config.json); null if it has neither
 * vocabulary. Throws `data.tokenizer_invalid` naming the file, `data.tokenizer_unsupported`, `data.tiktoken_line`.
 */
export async function loadTokenizer(folder: Folder): Promise<Tokenizer | null> {
  const files = await readTokenizerFiles(folder);
  return files && createTokenizer(files);
}

/**
 * Loads only the decoding part, without running the model's patterns: for threads that must not hang. Null and throws
 * like {@link loadTokenizer}.
 */
export async function loadVocabulary(folder: Folder): Promise<Vocabulary | null> {
  const files = await readTokenizerFiles(folder);
  if (!files) return null;
  const json = tokenizerJson(files);
  const opened = naming(files, () => openVocabulary(json, namedTokens(files, json)));
  return createVocabulary(files, json, opened);
}

/**
 * Builds a tokenizer from its files. tokenizer.json's `post_processor` determines what it adds to a text;
 * `add_bos_token` and `add_eos_token` of tokenizer_config.json are ignored, as in transformers 5. Throws
 * `data.tokenizer_invalid` and `data.tokenizer_unsupported`.
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const json = tokenizerJson(files);
  const pipeline = naming(files, () => new Pipeline(json, namedTokens(files, json)));
  const vocabulary = createVocabulary(files, json, pipeline);
  const special = specialTokens(files);
  const ownId = (name: string) => pipeline.tokens.idOf(special[name] ?? '') ?? null;
  const [bos, eos] = [ownId('bos_token'), ownId('eos_token')];
  const run = <T>(text: string, work: (text: string) => T) =>
    untrusted('tokenizer', text.length, () =>
      naming(files, () => withGrowth(text.length, () => work(wellFormed(text)))),
    );
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

/** UTF-8 has no lone surrogates: each becomes U+FFFD. */
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
  // Tokens are skipped by their text, which differs from the file's for a normalized added token.
  const specialTexts = new Set(Array.from(specialIds, (id) => tokens.tokenOf(id)));
  const special = specialTokens(files);
  const idOf = (token: string | undefined) => (token === undefined ? undefined : tokens.idOf(token));
  return {
    decode(ids, { skipSpecialTokens = false } = {}) {
      const all = ids.flatMap((id) => tokens.textOf(id) ?? []);
      const texts = skipSpecialTokens ? all.filter((text) => !specialTexts.has(text)) : all;
      if (!decoder) return texts.join(' ');
      const length = texts.reduce((sum, text) => sum + text.length, 0);
      return naming(files, () => withGrowth(length, () => decoder(texts).join('')));
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
 * Checks that the tokenizer's own tokens, BOS and EOS have rows in the model's embedding of `vocabSize` rows. Added
 * tokens beyond it (a `<pad>`, for example) are not an error until a text contains one: {@link checkIdsFit}. Throws
 * `data.tokenizer_mismatch` naming the largest token.
 */
export function checkTokenizerFits(tokenizer: Vocabulary, vocabSize: number): void {
  const last = tokenizer.baseVocabSize - 1;
  const own = [tokenizer.bosId, tokenizer.eosIds[0]].filter((id) => typeof id === 'number');
  const beyond = [last, ...own].filter((id) => id >= vocabSize);
  if (beyond.length > 0) throw mismatch(tokenizer, Math.max(...beyond), vocabSize);
}

/** Checks that all of a prompt's tokens have rows in the model's embedding. Throws `data.tokenizer_mismatch`. */
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
