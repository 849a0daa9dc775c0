import { specialTokens, type TokenizerFiles } from './tokenizerFiles.ts';
import type { NewToken } from './tokenList.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The tokens that transformers adds from the files beside tokenizer.json: those of `added_tokens_decoder` that differ
 * from its own, and special ones (bos_token, …, additional_special_tokens, extra_special_tokens) that it lacks.
 */
export function namedTokens(files: TokenizerFiles, json: Json): NewToken[] {
  const own = new Map<string, NewToken>();
  const list = Array.isArray(json.added_tokens) ? (json.added_tokens as unknown[]) : [];
  for (const entry of list) {
    const token = readToken(entry, false);
    if (token) own.set(token.content, token);
  }
  const wanted = new Map<string, NewToken>();
  for (const token of decoderTokens(files.config)) {
    if (!same(own.get(token.content), token)) wanted.set(token.content, token);
  }
  for (const token of specialOnes(files)) {
    const known = wanted.get(token.content) ?? own.get(token.content);
    if (!known) wanted.set(token.content, token);
    else if (!known.special) wanted.set(token.content, { ...known, special: true });
  }
  return [...wanted.values()];
}

function decoderTokens({ added_tokens_decoder: decoder }: Json): NewToken[] {
  if (typeof decoder !== 'object' || decoder === null) return [];
  return Object.entries(decoder)
    .sort(([a], [b]) => Number(a) - Number(b))
    .flatMap(([, entry]) => readToken(entry, false) ?? []);
}

function specialOnes(files: TokenizerFiles): NewToken[] {
  const { additional_special_tokens: additional, extra_special_tokens: extra } = files.config;
  const more = [additional, extra].flatMap((value: unknown): unknown[] => {
    if (Array.isArray(value)) return value as unknown[];
    return typeof value === 'object' && value !== null ? Object.values(value) : [];
  });
  return [...Object.values(specialTokens(files)), ...more].flatMap((entry) => {
    const token = readToken(entry, true);
    return token ? { ...token, special: true } : [];
  });
}

/** A token given as text or as an object with its flags; null for anything else. */
function readToken(entry: unknown, special: boolean): NewToken | null {
  const { content, ...flags } = typeof entry === 'string' ? { content: entry } : ((entry ?? {}) as Json);
  if (typeof content !== 'string' || content === '') return null;
  const is = (name: string, missing: boolean) => (typeof flags[name] === 'boolean' ? flags[name] : missing);
  const isSpecial = is('special', special);
  return {
    content,
    singleWord: is('single_word', false),
    lstrip: is('lstrip', false),
    rstrip: is('rstrip', false),
    normalized: is('normalized', !isSpecial),
    special: isSpecial,
  };
}

function same(a: NewToken | undefined, b: NewToken): boolean {
  return a !== undefined && (Object.keys(b) as (keyof NewToken)[]).every((key) => a[key] === b[key]);
}
