import { classSource } from './codePoints.ts';
import { UnsupportedError } from './fields.ts';
import { parseOnig, type Node, type Anchor } from './onigParser.ts';
import { bareWord } from './onigSets.ts';

/** An Oniguruma pattern as a JavaScript regular expression with the same matches. */
export interface OnigPattern {
  /** Has the flags `g` and `u`. */
  regex: RegExp;
  /** Whether it can match the empty string. */
  matchesEmpty: boolean;
}

/** Translates a pattern. Throws an Error that quotes the unsupported part. */
export function compileOnig(pattern: string): OnigPattern {
  const tree = parseOnig(pattern);
  if (isMisled(tree))
    throw new UnsupportedError(
      `".*" after a lookahead in the pattern ${JSON.stringify(pattern.slice(0, 200))}`,
    );
  const source = new Writer(pattern).write(tree);
  try {
    return { regex: new RegExp(source, 'gu'), matchesEmpty: canBeEmpty(tree) };
  } catch (error) {
    throw new UnsupportedError(`the pattern ${JSON.stringify(pattern.slice(0, 200))}`, { cause: error });
  }
}

/** A regular expression that matches `text` literally. */
export function literalPattern(text: string): OnigPattern {
  const source = Array.from(text, (char) =>
    /[A-Za-z0-9]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  ).join('');
  return { regex: new RegExp(source === '' ? '(?:)' : source, 'gu'), matchesEmpty: text === '' };
}

const END = String.raw`(?![\s\S])`;
const START = String.raw`(?<![\s\S])`;

/** If a pattern starts with `.*` after something empty, Oniguruma tries it only at line starts. */
function isMisled(node: Node): boolean {
  if (node.kind === 'choice') return node.options.some(isMisled);
  if (node.kind !== 'sequence') return false;
  const first = node.parts.findIndex((part) => part.kind !== 'look' && part.kind !== 'anchor');
  const part = node.parts[first];
  const isAnchored = node.parts[0]?.kind === 'anchor' && node.parts[0].at.endsWith('Start');
  if (first < 1 || isAnchored || part?.kind !== 'repeat' || part.body.kind !== 'set') return false;
  const isDot = ['0,10,11,1114112', '0,1114112'].includes(part.body.set.join());
  return isDot && part.max === Infinity;
}

class Writer {
  private atomics = 0;
  private behind = 0;

  constructor(private readonly pattern: string) {}

  write(node: Node): string {
    switch (node.kind) {
      case 'set':
        return classSource(node.set);
      case 'sequence':
        return node.parts
          .map((part) => (part.kind === 'choice' ? `(?:${this.write(part)})` : this.write(part)))
          .join('');
      case 'choice':
        return node.options.map((option) => this.write(option)).join('|');
      case 'repeat':
        return this.repeat(node);
      case 'look': {
        if (node.behind) this.behind++;
        const body = this.write(node.body);
        if (node.behind) this.behind--;
        return `(?${node.behind ? '<' : ''}${node.negative ? '!' : '='}${body})`;
      }
      case 'atomic':
        return this.atomic(node.body);
      case 'anchor':
        return anchor(node.at);
    }
  }

  /** A lookahead does not backtrack into its captures, so this is equivalent to an atomic group. */
  private atomic(body: Node): string {
    if (this.behind > 0) throw this.fault('an atomic group in a lookbehind');
    // Groups are numbered as they open.
    const number = ++this.atomics;
    const written = this.write(body);
    return `(?:(?=(${written}))\\${number})`;
  }

  private repeat({ body, min, max, mode }: Extract<Node, { kind: 'repeat' }>): string {
    if (mode === 'possessive') return this.atomic({ kind: 'repeat', body, min, max, mode: 'greedy' });
    // The two kinds of engines continue differently after an empty loop iteration.
    if (max > 1 && canBeEmpty(body)) {
      const inner = body.kind === 'repeat' && body.mode === 'greedy' && mode === 'greedy' ? body : null;
      const isStar = inner && inner.min <= 1 && inner.max === Infinity && min <= 1 && max === Infinity;
      const isMark = inner && inner.min === 0 && inner.max === 1 && min <= 1 && max === Infinity;
      if (!inner || (!isStar && !isMark) || canBeEmpty(inner.body)) {
        throw this.fault('a repetition of something that can be empty');
      }
      return this.repeat({ kind: 'repeat', body: inner.body, min: 0, max: Infinity, mode: 'greedy' });
    }
    const limits =
      max === Infinity
        ? min === 0
          ? '*'
          : min === 1
            ? '+'
            : `{${min},}`
        : min === 0 && max === 1
          ? '?'
          : `{${min},${max}}`;
    const written = this.write(body);
    const single = body.kind === 'set' ? written : `(?:${written})`;
    return single + limits + (mode === 'lazy' ? '?' : '');
  }

  private fault(what: string): Error {
    return new UnsupportedError(`${what} in the pattern ${JSON.stringify(this.pattern.slice(0, 200))}`);
  }
}

function anchor(at: Anchor): string {
  switch (at) {
    // In Ruby's syntax ^ and $ always match at lines; no line starts after the last line break.
    case 'lineStart':
      return String.raw`(?:${START}|(?<=\n)(?=[\s\S]))`;
    case 'lineEnd':
      return String.raw`(?:(?=\n)|${END})`;
    case 'textStart':
      return START;
    case 'textEnd':
      return END;
    case 'lastLineEnd':
      return String.raw`(?=\n?${END})`;
    case 'wordBorder':
    case 'noWordBorder': {
      const word = classSource(bareWord());
      const border = `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
      return at === 'wordBorder' ? border : `(?!${border})`;
    }
  }
}

function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'sequence':
      return node.parts.every(canBeEmpty);
    case 'choice':
      return node.options.some(canBeEmpty);
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.body);
    case 'atomic':
      return canBeEmpty(node.body);
    case 'look':
    case 'anchor':
      return true;
  }
}
