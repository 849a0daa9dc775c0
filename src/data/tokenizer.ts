import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { GraftError, messageOf } from '../lib/errors.ts';
import type { Folder } from '../storage/types.ts';
import { pieceBytes, pieceKindOf } from './pieces.ts';
import { StreamDecoder } from './streamDecoder.ts';
import { readTokenizerFiles, specialTokens, type TokenizerFiles } from './tokenizerFiles.ts';

export { StreamDecoder } from './streamDecoder.ts';

/** A model's own tokenizer with what its files say about special tokens. */
export interface Tokenizer {
  /** Token ids of `text`. `addSpecialTokens` (default true) adds BOS and whatever else the tokenizer adds. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
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
  /** Largest id + 1. */
  readonly vocabSize: number;
  readonly chatTemplate: string | null;
  /** True when encoding with special tokens begins with BOS. */
  readonly addBos: boolean;
  /** bos_token, eos_token, … as text, for chat templates. */
  readonly specialTokens: Readonly<Record<string, string>>;
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

/** Builds a tokenizer from parsed files. Throws `data.tokenizer_invalid`. */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const { json, config } = files;
  let hub: HubTokenizer;
  try {
    hub = new HubTokenizer(json, config);
    hub.encode('a');
  } catch (error) {
    throw new GraftError(
      'data.tokenizer_invalid',
      { file: files.file, detail: messageOf(error) },
      { cause: error },
    );
  }
  const added = hub.get_added_tokens_decoder();
  const kind = pieceKindOf(json.decoder);
  const pieces = new Map<number, Uint8Array>();
  const specialIds = new Set([...added].filter(([, token]) => token.special).map(([id]) => id));

  const special = specialTokens(files);
  const idOf = (token: string | undefined) => (token === undefined ? undefined : hub.token_to_id(token));
  const encodePlain = (text: string) =>
    text === '' ? [] : hub.encode(text, { add_special_tokens: false }).ids;
  const ownBos = idOf(special.bos_token) ?? null;
  const addsBos = ownBos !== null && hub.encode('a').ids[0] === ownBos;
  const addBos = ownBos !== null && (files.addBosToken ?? addsBos);

  const tokenizer: Tokenizer = {
    encode(text, { addSpecialTokens = true } = {}) {
      if (!addSpecialTokens) return encodePlain(text);
      const ids = hub.encode(text).ids;
      // tokenizer_config.json's add_bos_token has the last word over tokenizer.json, as in transformers.
      if (addBos && !addsBos) return [ownBos, ...ids];
      return addsBos && !addBos ? ids.slice(1) : ids;
    },
    decode(ids, { skipSpecialTokens = false } = {}) {
      if (kind) {
        const decoder = new StreamDecoder(tokenizer, { skipSpecialTokens });
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
    vocabSize: maxId(hub) + 1,
    chatTemplate: files.chatTemplate,
    addBos,
    specialTokens: special,
  };
  return tokenizer;
}

/**
 * Checks that every token the tokenizer can produce has a row in the model's embedding of `vocabSize` rows.
 * Throws `data.tokenizer_mismatch` naming the largest token.
 */
export function checkTokenizerFits(tokenizer: Tokenizer, vocabSize: number): void {
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
