import { GraftError } from '../../../base/lib/errors.ts';
import type { TemplateMessage as Message } from '../rows/conversation.ts';
import { tokenRange } from './offsets.ts';
import { renderChat } from '../template/template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Vocabulary } from '../tokenizer/vocabulary.ts';

/*
 * Tokens that end a turn of the assistant, according to the chat template: a base model's template, such as Qwen2.5's,
 * may write <|im_end|> although the tokenizer's EOS is <|endoftext|>. They are found by rendering conversations of
 * known words and looking at what follows those.
 */

/** What a chat template writes after an answer. */
export interface TurnEnds {
  /**
   * Tokens that end a turn of the assistant, that of the last turn first; empty if the template writes no such token.
   */
  ids: readonly number[];
  /** Whitespace tokens around them, such as the line break after `<|im_end|>`. */
  blankIds: readonly number[];
  /** The text that ends the last turn if it is not a token, such as “### End”; otherwise null. */
  text: string | null;
}

/** What a tokenizer says about the ends of texts. */
export interface EndTokens {
  eosIds: readonly number[];
  /** All special tokens: templates end turns with others than EOS. */
  specialIds: readonly number[];
  padId: number | null;
  /** EOS as text. */
  eos: string;
  /** How the chat template ends turns; absent where that is not known. */
  template?: {
    endIds: readonly number[];
    /** The same as text. */
    ends: readonly string[];
    /** The text that ends turns where it is no token of its own. */
    text: string | null;
  };
  /** Tokens of white space that may stand behind an end. Without them one token may, whatever it is. */
  blankIds?: readonly number[];
}

/** A token that ends an answer, by id and as it is spelled. */
export interface EndToken {
  id: number;
  token: string;
}

const NONE: TurnEnds = { ids: [], blankIds: [], text: null };

const cache = new WeakMap<Tokenizer, TurnEnds>();

/**
 * The ends of turns in the model's template. Runs the template and the tokenizer, so call it only in threads that may
 * hang (untrusted.ts). Empty for a model without a template, or one that rejects every conversation.
 */
export function turnEnds(tokenizer: Tokenizer): TurnEnds {
  let known = cache.get(tokenizer);
  if (!known) cache.set(tokenizer, (known = tokenizer.chatTemplate === null ? NONE : findEnds(tokenizer)));
  return known;
}

/** Token ids that stop generation in a chat: those named in the model's files, and those of its template. */
export function stopIds(tokenizer: Tokenizer): number[] {
  return [...new Set([...tokenizer.eosIds, ...turnEnds(tokenizer).ids])];
}

/**
 * The end tokens that training teaches: those of the template, and EOS, which is added to answers and texts without
 * another end token. Generation with the model must stop at them.
 */
export function trainedEnds(tokenizer: Tokenizer): EndToken[] {
  const ids = new Set([...tokenizer.eosIds.slice(0, 1), ...turnEnds(tokenizer).ids]);
  return [...ids].map((id) => ({ id, token: spell(tokenizer, id) }));
}

/** {@link trainedEnds} as vocabulary tokens, for threads that only have a vocabulary. */
export function endTokensOf(vocabulary: Vocabulary, ids: readonly number[]): EndToken[] {
  return ids.map((id) => ({ id, token: spell(vocabulary, id) }));
}

/**
 * Whether token ids already end with an end token: the last one that is not whitespace stops answers, or is another
 * special token that is neither a beginning nor padding.
 */
export function endsWithEnd(tokenizer: Tokenizer, ids: readonly number[]): boolean {
  const last = ids.findLast((id) => !isBlank(tokenizer, id));
  return last !== undefined && isEnd(tokenizer, last);
}

/** Whether a token ends turns or texts: see {@link endsWithEnd}. */
export function isEnd(tokenizer: Tokenizer, id: number): boolean {
  if (tokenizer.eosIds.includes(id) || turnEnds(tokenizer).ids.includes(id)) return true;
  return tokenizer.specialIds.has(id) && !isBeginningOrFiller(tokenizer, id);
}

/** The end tokens for the linter: the tokenizer's, and those of its template. */
export function lintEnds(tokenizer: Tokenizer): EndTokens {
  const { eosIds, specialIds, padId } = tokenizer;
  const { ids, blankIds, text } = turnEnds(tokenizer);
  const breaks = BREAKS.flatMap((space) => tokenizer.encode(space, { addSpecialTokens: false }));
  return {
    eosIds,
    specialIds: [...specialIds],
    padId,
    eos: eosIds[0] === undefined ? '' : spell(tokenizer, eosIds[0]),
    template: {
      endIds: ids,
      ends: ids.map((id) => spell(tokenizer, id)),
      text,
    },
    blankIds: [...new Set([...blankIds, ...breaks.filter((id) => isBlank(tokenizer, id))])],
  };
}

/** Whitespace that may follow an end token. */
const BREAKS = ['\n', '\n\n', '\r\n', ' ', '\t', ' \n', '\n '];

// Words that no template matches, and that trimming and case changes leave unchanged.
const [ASKED, ANSWERED, ASKED_AGAIN, ANSWERED_AGAIN, THOUGHT, CALLED] = [1, 2, 3, 4, 5, 6].map(
  (n) => `${n}${n}0719${n}${n}`,
) as [string, string, string, string, string, string];

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string, fields?: Record<string, unknown>): Message => ({
  role: 'assistant',
  content,
  ...(fields && { fields }),
});

function findEnds(tokenizer: Tokenizer): TurnEnds {
  const system: Message = { role: 'system', content: '770719' };
  // Some templates require a system message, some reject one.
  for (const opening of [[], [system]] as Message[][]) {
    const last = tryRender(tokenizer, [...opening, user(ASKED), assistant(ANSWERED)]);
    const tail = last && between(tokenizer, last, ANSWERED, null);
    if (!tail) continue;
    const ending = endOf(tail);
    const ids = new Set(ending.ids);
    const blanks = new Set(tail.blanks);

    const turns = [user(ASKED), assistant(ANSWERED), user(ASKED_AGAIN), assistant(ANSWERED_AGAIN)];
    const long = tryRender(tokenizer, [...opening, ...turns]);
    const middle = long && between(tokenizer, long, ANSWERED, ASKED_AGAIN);
    const inner = middle ? endOf(middle).ids.slice(0, 1) : [];
    const parts = inner.some((id) => !ids.has(id)) ? partEnds(tokenizer, opening) : [];
    for (const id of inner) if (!parts.includes(id)) ids.add(id);

    const call = endOfCall(tokenizer, opening, ids);
    if (call !== null) ids.add(call);
    return { ids: [...ids], blankIds: [...blanks], text: ending.text };
  }
  return NONE;
}

/** Tokens between two known words, in order, with whitespace tokens apart. */
interface Stretch {
  text: string;
  /** Without whitespace; `added` marks added tokens, as opposed to pieces of text. */
  tokens: { id: number; isAdded: boolean; isSpecial: boolean }[];
  blanks: number[];
}

/**
 * The end of a turn at the start of `stretch`: its first added token; if that is not special, also the next special one
 * (Phi-3's <|end|>, then EOS). Text that is not an added token is returned as text.
 */
function endOf({ text, tokens }: Stretch): { ids: number[]; text: string | null } {
  const [first] = tokens;
  if (!first) return { ids: [], text: null };
  if (!first.isAdded) return { ids: [], text: text.trim() };
  const plain = tokens.findIndex(({ isAdded }) => !isAdded);
  const run = plain < 0 ? tokens : tokens.slice(0, plain);
  const special = first.isSpecial ? undefined : run.find(({ isSpecial }) => isSpecial);
  return { ids: special ? [first.id, special.id] : [first.id], text: null };
}

/**
 * Added tokens inside a turn, between a thought and the answer: they end a part of it, not the turn (gpt-oss ends its
 * messages with <|end|>, and the turn with <|return|>).
 */
function partEnds(tokenizer: Tokenizer, opening: readonly Message[]): number[] {
  const thinking = { reasoning_content: THOUGHT, thinking: THOUGHT };
  const text = tryRender(tokenizer, [...opening, user(ASKED), assistant(ANSWERED, thinking)]);
  const stretch = text && between(tokenizer, text, THOUGHT, ANSWERED);
  return stretch ? stretch.tokens.filter(({ isAdded }) => isAdded).map(({ id }) => id) : [];
}

/**
 * The special token after a turn that calls a tool, if the template supports tools: Llama 3.1 may write <|eom_id|>.
 */
function endOfCall(
  tokenizer: Tokenizer,
  opening: readonly Message[],
  known: ReadonlySet<number>,
): number | null {
  const query = { query: CALLED };
  // Some templates take arguments as an object, others as JSON. Mistral's require ids of nine characters.
  for (const args of [query, JSON.stringify(query)]) {
    const call = { id: 'call00001', type: 'function', function: { name: 'look_up', arguments: args } };
    const text = tryRender(tokenizer, [...opening, user(ASKED), assistant('', { tool_calls: [call] })]);
    const last = text === null ? undefined : between(tokenizer, text, CALLED, null)?.tokens.at(-1);
    if (!last) continue;
    // Markers such as </tool_call>, which another call may follow, are not special.
    return last.isSpecial || known.has(last.id) ? last.id : null;
  }
  return null;
}

/** The tokens of `text` between two known words, or from the first to the end; null if they are missing. */
function between(tokenizer: Tokenizer, text: string, word: string, next: string | null): Stretch | null {
  const at = text.lastIndexOf(word);
  if (at < 0) return null;
  const from = at + word.length;
  const to = next === null ? text.length : text.indexOf(next, from);
  if (to < 0) return null;
  const { ids, ...offsets } = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  const [start, end] = tokenRange(offsets, from, to);
  // A token that extends past the word is text.
  const crossesStart = start < end && offsets.starts[start]! < from;
  const stretch: Stretch = { text: text.slice(from, to), tokens: [], blanks: [] };
  for (const id of ids.slice(start + (crossesStart ? 1 : 0), end)) {
    if (isBlank(tokenizer, id)) stretch.blanks.push(id);
    else {
      const isSpecial = tokenizer.specialIds.has(id) || tokenizer.eosIds.includes(id);
      stretch.tokens.push({ id, isSpecial, isAdded: isSpecial || tokenizer.addedIds.has(id) });
    }
  }
  return stretch;
}

function isBlank(tokenizer: Tokenizer, id: number): boolean {
  return tokenizer.decode([id]).trim() === '';
}

/** Special tokens that begin a text or pad it; never EOS, even if it doubles as one of them. */
function isBeginningOrFiller(tokenizer: Tokenizer, id: number): boolean {
  if (id === tokenizer.bosId || id === tokenizer.padId) return true;
  const names = ['bos_token', 'pad_token', 'unk_token', 'cls_token', 'mask_token'];
  return names.some((name) => tokenizer.idOf(tokenizer.specialTokens[name] ?? '') === id);
}

function spell(vocabulary: Vocabulary, id: number): string {
  return vocabulary.tokenOf(id) ?? String(id);
}

/** Null if the template rejects the conversation or cannot render it. */
function tryRender(tokenizer: Tokenizer, messages: readonly Message[]): string | null {
  try {
    return renderChat(tokenizer, messages);
  } catch (error) {
    if (error instanceof GraftError) return null;
    throw error;
  }
}
