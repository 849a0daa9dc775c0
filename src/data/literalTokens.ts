import type { TemplateMessage } from './conversation.ts';
import { GraftError } from '../lib/errors.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A special token that is written out in a text; UTF-16 offsets. */
export interface Literal {
  token: string;
  start: number;
  end: number;
}

const patterns = new WeakMap<Tokenizer, RegExp | null>();

/** The special tokens that stand in a text as their own names, such as `<|im_end|>`. */
export function literalsIn(tokenizer: Tokenizer, text: string): Literal[] {
  const pattern = patternOf(tokenizer);
  if (!pattern) return [];
  return Array.from(text.matchAll(pattern), ({ index, 0: token }) => ({
    token,
    start: index,
    end: index + token.length,
  }));
}

/**
 * Where special tokens that messages hold stand in their rendering, as UTF-16 ranges to be encoded as text. Throws
 * `data.literal_not_found` where the template rewrote such a message.
 */
export function literalRanges(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  text: string,
): [start: number, end: number][] {
  const ranges: [number, number][] = [];
  let at = 0;
  messages.forEach(({ content }, i) => {
    const said = content.trim();
    const start = said === '' ? -1 : text.indexOf(said, at);
    const found = literalsIn(tokenizer, said);
    if (start < 0) {
      if (found.length > 0) {
        throw new GraftError('data.literal_not_found', { message: i + 1, token: found[0]!.token });
      }
      return;
    }
    for (const literal of found) ranges.push([start + literal.start, start + literal.end]);
    at = start + said.length;
  });
  return ranges;
}

function patternOf(tokenizer: Tokenizer): RegExp | null {
  let pattern = patterns.get(tokenizer);
  if (pattern === undefined) {
    const tokens = [...tokenizer.specialIds].map((id) => tokenizer.tokenOf(id) ?? '').filter(Boolean);
    const sorted = tokens.toSorted((a, b) => b.length - a.length);
    const source = sorted.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
    patterns.set(tokenizer, (pattern = source === '' ? null : new RegExp(source, 'g')));
  }
  return pattern;
}
