import { GraftError } from '../../../base/lib/errors.ts';
import { clip } from '../safetensorsHeader.ts';
import type { GgufFile } from './ggufFile.ts';
import { preTokenizerJson, preTokenizerNamed, preTokenizers } from './preTokenizers.ts';

/** `tokenizer.ggml.token_type`. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The files of a tokenizer, as transformers has them. */
export interface TokenizerTexts {
  tokenizer: string;
  config: string;
}

interface Vocabulary {
  tokens: string[];
  types: ArrayLike<number>;
}

/** What one kind of tokenizer adds to tokenizer.json. */
interface Kind {
  /** JSON of `model`. */
  model: string;
  parts: Readonly<Record<string, unknown>>;
  addBos: boolean;
}

/**
 * tokenizer.json and tokenizer_config.json of a file's model, made from its keys. Throws `formats.gguf_no_tokenizer`,
 * `formats.gguf_tokenizer`, `formats.gguf_pre` where Graft lacks the kind, and `formats.gguf_value`.
 */
export function ggufTokenizer(gguf: GgufFile): TokenizerTexts {
  const file = gguf.source.name;
  const model = gguf.text('tokenizer.ggml.model');
  const tokens = gguf.texts('tokenizer.ggml.tokens');
  if (model === null || tokens === null) throw new GraftError('formats.gguf_no_tokenizer', { file });
  const types =
    gguf.numbers('tokenizer.ggml.token_type') ?? new Array<number>(tokens.length).fill(tokenTypes.normal);
  if (types.length !== tokens.length)
    throw gguf.badValue(
      'tokenizer.ggml.token_type',
      `it has ${types.length} types for ${tokens.length} tokens`,
    );
  const vocabulary = { tokens, types };
  const kind = kindOf(gguf, model, vocabulary);
  const addBos = gguf.flag('tokenizer.ggml.add_bos_token') ?? kind.addBos;
  const addEos = gguf.flag('tokenizer.ggml.add_eos_token') ?? false;
  const bos = tokenAt(gguf, 'bos', tokens);
  const eos = tokenAt(gguf, 'eos', tokens);
  const frame = frameOf(gguf, { bos: addBos ? bos : null, eos: addEos ? eos : null });
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    ...kind.parts,
    post_processor: frame ?? kind.parts.post_processor ?? null,
  };
  // The vocabulary is written as text: as an object, tokens such as “__proto__” would be lost.
  const text = JSON.stringify(json);
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_bos_token: addBos,
    bos_token: bos,
    eos_token: eos,
    pad_token: tokenAt(gguf, 'padding', tokens),
    unk_token: tokenAt(gguf, 'unknown', tokens),
    clean_up_tokenization_spaces: false,
    chat_template: gguf.text('tokenizer.chat_template') ?? undefined,
  };
  return { tokenizer: `${text.slice(0, -1)},"model":${kind.model}}`, config: JSON.stringify(config) };
}

function kindOf(gguf: GgufFile, model: string, vocabulary: Vocabulary): Kind {
  if (model === 'gpt2') return bytePairs(gguf, vocabulary);
  if (model === 'llama') return sentencePiece(gguf, vocabulary);
  const file = gguf.source.name;
  throw new GraftError('formats.gguf_tokenizer', { file, model: clip(model), known: 'gpt2, llama' });
}

/** Byte-level BPE. */
function bytePairs(gguf: GgufFile, vocabulary: Vocabulary): Kind {
  const file = gguf.source.name;
  const name = gguf.text('tokenizer.ggml.pre') ?? 'default';
  const pre = preTokenizerNamed(name);
  if (!pre) {
    const known = preTokenizers.flatMap(({ names }) => names).join(', ');
    throw new GraftError('formats.gguf_pre', { file, pre: clip(name), known });
  }
  const merges = gguf.texts('tokenizer.ggml.merges');
  if (!merges) throw new GraftError('formats.gguf_key_missing', { file, key: 'tokenizer.ggml.merges' });
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    model: modelJson({ ignore_merges: pre.ignoreMerges, byte_fallback: false }, vocabulary, merges),
    parts: {
      normalizer: pre.nfc ? { type: 'NFC' } : null,
      pre_tokenizer: preTokenizerJson(pre.steps),
      post_processor: bytes,
      decoder: { ...bytes, trim_offsets: true, use_regex: true },
    },
    addBos: pre.addBos,
  };
}

/** SentencePiece's BPE, whose merges follow from the scores of the tokens (transformers' `generate_merges`). */
function sentencePiece(gguf: GgufFile, vocabulary: Vocabulary): Kind {
  const scores = gguf.numbers('tokenizer.ggml.scores');
  const { tokens } = vocabulary;
  if (scores?.length !== tokens.length)
    throw gguf.badValue(
      'tokenizer.ggml.scores',
      `it has ${scores?.length ?? 0} scores for ${tokens.length} tokens`,
    );
  const hasPrefix = gguf.flag('tokenizer.ggml.add_space_prefix') ?? true;
  const space = { String: ' ' };
  const replace = { type: 'Replace', pattern: space, content: '▁' };
  const prepend = { type: 'Prepend', prepend: '▁' };
  const decoders = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(hasPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ];
  const unknown = tokenAt(gguf, 'unknown', tokens);
  return {
    model: modelJson(
      { unk_token: unknown, fuse_unk: true, byte_fallback: true, ignore_merges: false },
      vocabulary,
      mergesOf(vocabulary, scores),
    ),
    parts: {
      normalizer: hasPrefix ? { type: 'Sequence', normalizers: [prepend, replace] } : replace,
      pre_tokenizer: null,
      decoder: { type: 'Sequence', decoders },
    },
    addBos: true,
  };
}

/** All pairs that make a token, the highest score first; of one score in the order of the tokens. */
function mergesOf({ tokens, types }: Vocabulary, scores: ArrayLike<number>): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const found: { pair: [string, string]; score: number }[] = [];
  tokens.forEach((token, id) => {
    if (types[id] !== tokenTypes.normal || token.length > 256) return;
    const points = Array.from(token);
    const pairs: { pair: [string, string]; left: number; right: number }[] = [];
    for (let at = 1; at < points.length; at++) {
      const pair: [string, string] = [points.slice(0, at).join(''), points.slice(at).join('')];
      const [left, right] = [ids.get(pair[0]), ids.get(pair[1])];
      if (left !== undefined && right !== undefined) pairs.push({ pair, left, right });
    }
    pairs.sort((a, b) => a.left - b.left || a.right - b.right);
    for (const { pair } of pairs) found.push({ pair, score: scores[id]! });
  });
  return found.sort((a, b) => b.score - a.score).map(({ pair }) => pair);
}

function modelJson(
  settings: Readonly<Record<string, unknown>>,
  { tokens, types }: Vocabulary,
  merges: readonly unknown[],
): string {
  const head = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    ...settings,
  };
  const seen = new Set<string>();
  const entries = tokens.flatMap((token, id) => {
    // Fillers are in no vocabulary; of a token that stands there twice the first counts, as in llama.cpp.
    if (types[id] === tokenTypes.unused || seen.has(token)) return [];
    seen.add(token);
    return [`${JSON.stringify(token)}:${id}`];
  });
  return `${JSON.stringify(head).slice(0, -1)},"vocab":{${entries.join(',')}},"merges":${JSON.stringify(merges)}}`;
}

function addedTokens({ tokens, types }: Vocabulary) {
  return tokens.flatMap((content, id) => {
    const type = types[id];
    const isSpecial = type === tokenTypes.control || type === tokenTypes.unknown;
    if (!isSpecial && type !== tokenTypes.userDefined) return [];
    return [
      {
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: isSpecial,
      },
    ];
  });
}

/** What is added to a text: BOS before it, EOS behind it; null for nothing. */
function frameOf(gguf: GgufFile, { bos, eos }: { bos: string | null; eos: string | null }) {
  if (bos === null && eos === null) return null;
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const single = [
    ...(bos === null ? [] : [special(bos)]),
    { Sequence: { id: 'A', type_id: 0 } },
    ...(eos === null ? [] : [special(eos)]),
  ];
  const pair = [...single, { Sequence: { id: 'B', type_id: 1 } }];
  const idOf = (which: string) => gguf.number(`tokenizer.ggml.${which}_token_id`);
  const tokens = Object.entries({ bos, eos }).flatMap(([which, token]) =>
    token === null ? [] : [[token, { id: token, ids: [idOf(which)], tokens: [token] }] as const],
  );
  return { type: 'TemplateProcessing', single, pair, special_tokens: Object.fromEntries(tokens) };
}

/** The token of `tokenizer.ggml.{which}_token_id`; null where there is none. */
function tokenAt(gguf: GgufFile, which: string, tokens: readonly string[]): string | null {
  const key = `tokenizer.ggml.${which}_token_id`;
  const id = gguf.number(key);
  if (id === null) return null;
  const token = tokens[id];
  if (token === undefined) throw gguf.badValue(key, `there is no token ${id}`);
  return token;
}
