import { isWhitespace, isWord } from './unicode.ts';

/** A token of `added_tokens`, which is matched in the text itself. */
export interface AddedToken {
  id: number;
  content: string;
  /** The text it is matched and decoded as: the content, normalized if the token is. */
  pattern: string;
  singleWord: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

interface TrieNode {
  next: Map<number, TrieNode>;
  token: AddedToken | null;
}

/** Finds added tokens in a text: leftmost first, then the longest, as Rust's `tokenizers` does. */
export class AddedTokenFinder {
  private readonly root: TrieNode = { next: new Map(), token: null };
  /** [0x10000] units that start a token. */
  private readonly begins = new Uint8Array(0x10000);
  readonly isEmpty: boolean;

  constructor(tokens: Iterable<AddedToken>) {
    let isEmpty = true;
    for (const token of tokens) {
      isEmpty = false;
      if (token.pattern === '')
        throw new Error(`the added token ${JSON.stringify(token.content)} becomes empty when normalized`);
      let node = this.root;
      for (let i = 0; i < token.pattern.length; i++) {
        const unit = token.pattern.charCodeAt(i);
        let next = node.next.get(unit);
        if (!next) node.next.set(unit, (next = { next: new Map(), token: null }));
        node = next;
      }
      if (node.token) {
        throw new Error(
          `the added tokens ${JSON.stringify(node.token.content)} and ${JSON.stringify(token.content)} are the same text`,
        );
      }
      node.token = token;
      this.begins[token.pattern.charCodeAt(0)] = 1;
    }
    this.isEmpty = isEmpty;
  }

  /** The longest token at `at`; null if there is none. */
  private longestAt(text: string, at: number): AddedToken | null {
    let found: AddedToken | null = null;
    let node: TrieNode | undefined = this.root;
    for (let i = at; i < text.length; i++) {
      node = node.next.get(text.charCodeAt(i));
      if (!node) break;
      if (node.token) found = node.token;
    }
    return found;
  }

  /**
   * Splits `text` at its added tokens and calls `text`/`token` for each part in order. `skips` returns whether to
   * ignore a token in a range.
   */
  cut(
    text: string,
    onText: (start: number, end: number) => void,
    onToken: (token: AddedToken, start: number, end: number) => void,
    skips: ((token: AddedToken, start: number, end: number) => boolean) | null = null,
  ): void {
    let done = 0;
    for (let at = 0; at < text.length; at++) {
      if (this.begins[text.charCodeAt(at)] === 0) continue;
      const token = this.longestAt(text, at);
      if (!token) continue;
      let start = at;
      let end = at + token.pattern.length;
      // Whether used or not, the search continues after it.
      at = end - 1;
      if (skips?.(token, start, end)) continue;
      if (token.singleWord && (endsWithWord(text, start) || startsWithWord(text, end))) continue;
      if (token.lstrip) start = Math.max(spacesBefore(text, start), done);
      if (token.rstrip) end = spacesBehind(text, end);
      if (done < start) onText(done, start);
      // The previous token's stripping may leave nothing of this one.
      if (start < end) onToken(token, start, end);
      done = end;
    }
    if (done !== text.length) onText(done, text.length);
  }
}

function startsWithWord(text: string, at: number): boolean {
  return at < text.length && isWord(text.codePointAt(at)!);
}

function endsWithWord(text: string, end: number): boolean {
  if (end === 0) return false;
  const isPair = end > 1 && /[\udc00-\udfff]/.test(text[end - 1]!);
  return isWord(text.codePointAt(isPair ? end - 2 : end - 1)!);
}

// All whitespace is below U+10000.
function spacesBefore(text: string, end: number): number {
  let start = end;
  while (start > 0 && isWhitespace(text.charCodeAt(start - 1))) start--;
  return start;
}

function spacesBehind(text: string, start: number): number {
  let end = start;
  while (end < text.length && isWhitespace(text.charCodeAt(end))) end++;
  return end;
}
