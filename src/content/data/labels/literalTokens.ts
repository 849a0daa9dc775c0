import { GraftError } from '../../../base/lib/errors.ts';
import { isObject, type TemplateMessage } from '../rows/conversation.ts';
import { tryRenderAgain, type RenderedChat } from '../template/renderedChat.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { turnEnds } from './turnEnd.ts';

/*
 * Special tokens spelled out in messages, as in a question about <|im_end|>. As in transformers they become special
 * tokens or, on request (sanitize_control_tokens there), plain text.
 */

// Noncharacters (reserved by Unicode for internal use), which no template matches.
const OPEN = '\ufdd4';
const CLOSE = '\ufdd5';

const patterns = new WeakMap<Tokenizer, RegExp | null>();

/** The first special token, or end of a turn, spelled out in a text; undefined if there is none. */
export function literalIn(tokenizer: Tokenizer, text: string): string | undefined {
  const pattern = patternOf(tokenizer);
  return pattern ? literalOf(text, pattern) : undefined;
}

/** UTF-16 ranges of special tokens in a text that consists of messages only. */
export function literalsIn(tokenizer: Tokenizer, text: string): [start: number, end: number][] {
  const pattern = patternOf(tokenizer);
  if (!pattern) return [];
  return Array.from(text.matchAll(pattern), ({ index, 0: token }) => [index, index + token.length]);
}

/**
 * UTF-16 ranges of the rendering where messages, tools and documents spell out special tokens, to be encoded as text.
 * Renders the conversation once more with markers around them. Throws `data.literal_not_found` if the template treats
 * marked text differently.
 */
export function literalRanges(rendered: RenderedChat): [start: number, end: number][] {
  const { tokenizer, messages, variables, text } = rendered;
  const pattern = patternOf(tokenizer);
  const given: unknown[] = [messages, variables.tools, variables.documents];
  if (!pattern) return [];
  const token = literalOf(given, pattern);
  if (token === undefined) return [];
  const mark = (value: string) => value.replace(pattern, `${OPEN}$&${CLOSE}`);
  const marked = tryRenderAgain(
    rendered,
    markAll(messages, mark) as TemplateMessage[],
    markAll({ ...pick(variables, 'tools'), ...pick(variables, 'documents') }, mark) as Record<
      string,
      unknown
    >,
  );
  const ranges: [number, number][] = [];
  let plain = '';
  let start = -1;
  for (const part of (marked ?? '').split(/([\ufdd4\ufdd5])/)) {
    if (part === OPEN) start = plain.length;
    else if (part === CLOSE) ranges.push([start, plain.length]);
    else plain += part;
  }
  if (plain !== text) throw new GraftError('data.literal_not_found', { token });
  return ranges;
}

function pick(variables: RenderedChat['variables'], name: string): Record<string, unknown> {
  return variables[name] === undefined ? {} : { [name]: variables[name] };
}

/** Applies `change` to every text in a value, except roles and keys. */
function markAll(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => markAll(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'role' ? item : markAll(item, change)]),
  );
}

/** The first special token in any text of the value. */
function literalOf(value: unknown, pattern: RegExp): string | undefined {
  if (typeof value === 'string') return value.match(pattern)?.[0];
  if (typeof value !== 'object' || value === null) return undefined;
  for (const item of Object.values(value)) {
    const found = literalOf(item, pattern);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Matches the spellings of special tokens and ends of turns, longer ones first; null if there are none. */
function patternOf(tokenizer: Tokenizer): RegExp | null {
  let pattern = patterns.get(tokenizer);
  if (pattern === undefined) {
    const ids = new Set([...tokenizer.specialIds, ...turnEnds(tokenizer).ids]);
    const tokens = [...ids].map((id) => tokenizer.tokenOf(id) ?? '').filter((token) => token !== '');
    const sorted = tokens.toSorted((a, b) => b.length - a.length);
    const source = sorted.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
    patterns.set(tokenizer, (pattern = source === '' ? null : new RegExp(source, 'g')));
  }
  return pattern;
}
