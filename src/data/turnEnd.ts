import { GraftError } from '../lib/errors.ts';
import type { TemplateMessage as Message } from './conversation.ts';
import type { EndTokens } from './lint.ts';
import { tokenRange } from './offsets.ts';
import { renderChat } from './template.ts';
import type { Tokenizer, Vocabulary } from './tokenizer.ts';

/*
 * Which tokens end a turn of the assistant. The chat template decides it: of a base model such as Qwen2.5's it writes
 * <|im_end|> where the tokenizer's EOS is <|endoftext|>. It is asked by rendering conversations whose contents are
 * known words, and looking at what stands behind them.
 */

/** What a chat template writes behind an answer. */
export interface TurnEnds {
  /** Tokens that end a turn of the assistant, the one of the last turn first; none where it writes no such token. */
  ids: readonly number[];
  /** Tokens of white space around them, such as the line break behind `<|im_end|>`. */
  blankIds: readonly number[];
  /** The text that ends the last turn where it is no token of its own, such as “### End”; else null. */
  text: string | null;
}

/** A token that ends an answer, by id and as it is spelled. */
export interface EndToken {
  id: number;
  token: string;
}

const NONE: TurnEnds = { ids: [], blankIds: [], text: null };

const cache = new WeakMap<Tokenizer, TurnEnds>();

/**
 * The ends of turns by the model's own template. Runs the template and the tokenizer: only for threads that may hang
 * (untrusted.ts). A model without a template, or whose template refuses every conversation, has none.
 */
export function turnEnds(tokenizer: Tokenizer): TurnEnds {
  let known = cache.get(tokenizer);
  if (!known) cache.set(tokenizer, (known = tokenizer.chatTemplate === null ? NONE : findEnds(tokenizer)));
  return known;
}

/** Where the answer to a chat stops: the ends that the model's files name, and those of its template. */
export function stopIds(tokenizer: Tokenizer): number[] {
  return [...new Set([...tokenizer.eosIds, ...turnEnds(tokenizer).ids])];
}

/**
 * The ends that training teaches: those of the template, and EOS, which is put behind answers and texts where nothing
 * else ends them. Whatever generates with the model has to stop at them.
 */
export function trainedEnds(tokenizer: Tokenizer): EndToken[] {
  const ids = new Set([...tokenizer.eosIds.slice(0, 1), ...turnEnds(tokenizer).ids]);
  return [...ids].map((id) => ({ id, token: spell(tokenizer, id) }));
}

/** {@link trainedEnds} by their ids, for threads that hold a vocabulary only. */
export function endTokensOf(vocabulary: Vocabulary, ids: readonly number[]): EndToken[] {
  return ids.map((id) => ({ id, token: spell(vocabulary, id) }));
}

/**
 * Whether tokens of a text already end with an end: the last that is not white space is one that answers stop at, or
 * another special token that is no beginning and no filler.
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

/** What the linter needs to know of a tokenizer, with the ends of its template. */
export function lintEnds(tokenizer: Tokenizer): EndTokens {
  const { eosIds, specialIds, padId } = tokenizer;
  const { ids, blankIds, text } = turnEnds(tokenizer);
  const breaks = BREAKS.flatMap((space) => tokenizer.encode(space, { addSpecialTokens: false }));
  return {
    ...{ eosIds, specialIds: [...specialIds], padId },
    eos: eosIds[0] === undefined ? '' : spell(tokenizer, eosIds[0]),
    template: {
      endIds: ids,
      ends: ids.map((id) => spell(tokenizer, id)),
      text,
    },
    blankIds: [...new Set([...blankIds, ...breaks.filter((id) => isBlank(tokenizer, id))])],
  };
}

/** White space that may stand behind an end. */
const BREAKS = ['\n', '\n\n', '\r\n', ' ', '\t', ' \n', '\n '];

// Words that no template looks for, and that stay as they are under trimming and changes of case.
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
  // Some templates want a system message, some refuse one.
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

/** Tokens behind a known word, up to the next: in order, with those of white space apart. */
interface Stretch {
  text: string;
  /** Without white space; `added` are tokens of their own, not pieces of text. */
  tokens: { id: number; isAdded: boolean; isSpecial: boolean }[];
  blanks: number[];
}

/**
 * What ends a turn at the beginning of `stretch`: its first added token; where that is not special, the next special one
 * too (Phi-3's <|end|>, then EOS). Text that is no added token is given as text.
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
 * Added tokens that stand inside a turn, between a thought and the answer: they end a part of it, not the turn (gpt-oss
 * ends its messages with <|end|>, and the turn with <|return|>).
 */
function partEnds(tokenizer: Tokenizer, opening: readonly Message[]): number[] {
  const thinking = { reasoning_content: THOUGHT, thinking: THOUGHT };
  const text = tryRender(tokenizer, [...opening, user(ASKED), assistant(ANSWERED, thinking)]);
  const stretch = text && between(tokenizer, text, THOUGHT, ANSWERED);
  return stretch ? stretch.tokens.filter(({ isAdded }) => isAdded).map(({ id }) => id) : [];
}

/** The special token behind a turn that calls a tool, where the template knows tools: Llama 3.1 may write <|eom_id|>. */
function endOfCall(
  tokenizer: Tokenizer,
  opening: readonly Message[],
  known: ReadonlySet<number>,
): number | null {
  const query = { query: CALLED };
  // Templates differ in whether they take the arguments as an object or as its JSON. Mistral's want ids of nine characters.
  for (const args of [query, JSON.stringify(query)]) {
    const call = { id: 'call00001', type: 'function', function: { name: 'look_up', arguments: args } };
    const text = tryRender(tokenizer, [...opening, user(ASKED), assistant('', { tool_calls: [call] })]);
    const last = text === null ? undefined : between(tokenizer, text, CALLED, null)?.tokens.at(-1);
    if (!last) continue;
    // Markers such as </tool_call>, behind which another call may follow, are not special.
    return last.isSpecial || known.has(last.id) ? last.id : null;
  }
  return null;
}

/** The tokens of `text` between two known words, or from the first to the end; null where they are not there. */
function between(tokenizer: Tokenizer, text: string, word: string, next: string | null): Stretch | null {
  const at = text.lastIndexOf(word);
  if (at < 0) return null;
  const from = at + word.length;
  const to = next === null ? text.length : text.indexOf(next, from);
  if (to < 0) return null;
  const { ids, ...places } = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  const [start, end] = tokenRange(places, from, to);
  // A token that reaches over from the word is a piece of text.
  const reachesOver = start < end && places.starts[start]! < from;
  const stretch: Stretch = { text: text.slice(from, to), tokens: [], blanks: [] };
  for (const id of ids.slice(start + (reachesOver ? 1 : 0), end)) {
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

/** Special tokens that begin a text or fill it up; EOS is neither, whatever else it is used for. */
function isBeginningOrFiller(tokenizer: Tokenizer, id: number): boolean {
  if (id === tokenizer.bosId || id === tokenizer.padId) return true;
  const names = ['bos_token', 'pad_token', 'unk_token', 'cls_token', 'mask_token'];
  return names.some((name) => tokenizer.idOf(tokenizer.specialTokens[name] ?? '') === id);
}

function spell(vocabulary: Vocabulary, id: number): string {
  return vocabulary.tokenOf(id) ?? String(id);
}

/** Null where the template refuses the conversation or cannot render it. */
function tryRender(tokenizer: Tokenizer, messages: readonly Message[]): string | null {
  try {
    return renderChat(tokenizer, messages);
  } catch (error) {
    if (error instanceof GraftError) return null;
    throw error;
  }
}
