import { UnsupportedError } from './fields.ts';
import { charsOf, complement, EVERY, intersection, one, span, union, type CodePoints } from './codePoints.ts';
import { bareWord, foldChar, FOLDING_PAIRS, foldSet, posixSet, propertySet } from './onigSets.ts';
import { category, WHITE_SPACE } from './unicode.ts';

/** A regular expression, as a tree. */
export type Node =
  | { kind: 'set'; set: CodePoints }
  | { kind: 'sequence'; parts: Node[] }
  | { kind: 'choice'; options: Node[] }
  | { kind: 'repeat'; body: Node; min: number; max: number; mode: 'greedy' | 'lazy' | 'possessive' }
  | { kind: 'look'; body: Node; behind: boolean; negative: boolean }
  | { kind: 'atomic'; body: Node }
  | { kind: 'place'; at: Place };

export type Place = 'lineStart' | 'lineEnd' | 'textStart' | 'textEnd' | 'lastLineEnd' | 'wordBorder' | 'noWordBorder';

interface Options {
  ignoreCase: boolean;
  /** Ruby's m: the dot matches line breaks. */
  dotAll: boolean;
  extended: boolean;
}

const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };
/** Of a pattern; those of the Hub have some hundred characters. */
const MAX_LENGTH = 10_000;
const NOT_NEWLINE = complement(one(10));

/**
 * Parses a pattern of Oniguruma's default (Ruby-like) syntax. Throws an Error that quotes what isn't supported or isn't
 * valid: back references, named calls, conditions, absent operators, `\G`, `\K`, `\X`, …
 */
export function parseOnig(pattern: string): Node {
  return new Parser(pattern).parse();
}

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly source: string) {}

  parse(): Node {
    if (this.source.length > MAX_LENGTH) throw this.fault(`more than ${MAX_LENGTH} characters`);
    const node = this.choice({ ignoreCase: false, dotAll: false, extended: false });
    if (this.at < this.source.length) throw this.fault('unmatched )');
    return node;
  }

  private choice(options: Options): Node {
    if (++this.depth > 200) throw this.fault('groups nested this deep');
    const branches: Node[] = [];
    do branches.push(this.sequence(options));
    while (this.take('|'));
    this.depth--;
    return branches.length === 1 ? branches[0]! : { kind: 'choice', options: branches };
  }

  private sequence(options: Options): Node {
    const parts: Node[] = [];
    /** The letters in a row just read, for foldings of pairs. */
    let letters = '';
    while (this.at < this.source.length && !'|)'.includes(this.peek())) {
      if (options.extended && this.skipExtended()) continue;
      const start = this.at;
      const atom = this.atom(options);
      if (atom === null) continue;
      if ('options' in atom && 'rest' in atom) {
        parts.push(this.choice(atom.options));
        break;
      }
      const node = this.quantified(atom as Node, options);
      const char = this.source.slice(start, this.at);
      letters = node.kind === 'set' && /^[a-z]$/i.test(char) ? letters + char.toLowerCase() : '';
      if (options.ignoreCase && FOLDING_PAIRS.some((pair) => letters.endsWith(pair))) {
        throw this.fault(`"${letters.slice(-2)}" without regard to case`);
      }
      parts.push(node);
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
  }

  private skipExtended(): boolean {
    const found = /^(?:[ \t\n\r\f\v]+|#[^\n]*)/.exec(this.source.slice(this.at));
    this.at += found?.[0].length ?? 0;
    return found !== null;
  }

  /** A part before its quantifier; null for a comment; options for the rest of the group. */
  private atom(options: Options): Node | { options: Options; rest: true } | null {
    const char = this.next();
    switch (char) {
      case '(':
        return this.group(options);
      case '[':
        return set(this.foldedClass(options));
      case '.':
        return set(options.dotAll ? EVERY : NOT_NEWLINE);
      case '^':
        return { kind: 'place', at: 'lineStart' };
      case '$':
        return { kind: 'place', at: 'lineEnd' };
      case '\\':
        return this.escape(options);
      case '*':
      case '+':
      case '?':
        throw this.fault(`"${char}" without something to repeat`);
      default:
        return this.literal(char.codePointAt(0)!, options);
    }
  }

  private literal(codePoint: number, { ignoreCase }: Options): Node {
    const folded = ignoreCase ? foldChar(codePoint) : one(codePoint);
    if (!folded) throw this.fault(`"${String.fromCodePoint(codePoint)}" without regard to case`);
    return set(folded);
  }

  private group(options: Options): Node | { options: Options; rest: true } | null {
    if (!this.take('?')) return this.closed(options);
    if (this.take(':')) return this.closed(options);
    if (this.take('>')) return { kind: 'atomic', body: this.closed(options) };
    if (this.take('#')) {
      const end = this.source.indexOf(')', this.at);
      if (end < 0) throw this.fault('a comment without end');
      this.at = end + 1;
      return null;
    }
    for (const [sign, behind, negative] of [
      ['=', false, false],
      ['!', false, true],
      ['<=', true, false],
      ['<!', true, true],
    ] as const) {
      if (this.take(sign)) return { kind: 'look', body: this.closed(options), behind, negative };
    }
    const name = /^(?:<[A-Za-z_]\w*>|'[A-Za-z_]\w*')/.exec(this.source.slice(this.at))?.[0];
    if (name !== undefined) {
      this.at += name.length;
      return this.closed(options);
    }
    const flags = /^([imx]*)(?:-([imx]*))?([:)])/.exec(this.source.slice(this.at));
    if (!flags) throw this.fault(`the group "(?${this.source.slice(this.at, this.at + 3)}…"`);
    this.at += flags[0].length;
    const [, on = '', off = '', end] = flags;
    const is = (flag: string, before: boolean) => (off.includes(flag) ? false : on.includes(flag) || before);
    const changed = {
      ignoreCase: is('i', options.ignoreCase),
      dotAll: is('m', options.dotAll),
      extended: is('x', options.extended),
    };
    return end === ':' ? this.closed(changed) : { options: changed, rest: true };
  }

  private closed(options: Options): Node {
    const node = this.choice(options);
    if (!this.take(')')) throw this.fault('a group without end');
    return node;
  }

  private quantified(atom: Node, options: Options): Node {
    let node = atom;
    while (!(options.extended && this.skipExtended() && this.at >= this.source.length)) {
      const limits = this.limits();
      if (!limits) return node;
      const [min, max, isInterval] = limits;
      // Ruby: {n,m}+ repeats a repetition, {n}? may be left out; only after ?, * and + is a + possessive.
      if (isInterval && min === max && this.peek() === '?') throw this.fault('"{n}?"');
      const mode = this.take('?') ? 'lazy' : !isInterval && this.take('+') ? 'possessive' : 'greedy';
      node = { kind: 'repeat', body: node, min, max, mode };
    }
    return node;
  }

  private limits(): [min: number, max: number, isInterval: boolean] | null {
    if (this.take('*')) return [0, Infinity, false];
    if (this.take('+')) return [1, Infinity, false];
    if (this.take('?')) return [0, 1, false];
    const interval = /^\{(\d*)(,?)(\d*)\}/.exec(this.source.slice(this.at));
    if (!interval || (interval[1] === '' && interval[3] === '')) return null;
    this.at += interval[0].length;
    const min = Number(interval[1] || 0);
    const max = interval[2] === '' ? min : interval[3] === '' ? Infinity : Number(interval[3]);
    if (max < min || min > 1000 || (max !== Infinity && max > 1000)) throw this.fault(`"${interval[0]}"`);
    return [min, max, true];
  }

  private escape(options: Options): Node {
    const start = this.at - 1;
    const char = this.next();
    const places: Readonly<Record<string, Place>> = {
      A: 'textStart',
      z: 'textEnd',
      Z: 'lastLineEnd',
      b: 'wordBorder',
      B: 'noWordBorder',
    };
    if (Object.hasOwn(places, char)) return { kind: 'place', at: places[char]! };
    if (char === 'R') return { kind: 'atomic', body: LINE_BREAK };
    if (char === 'N') return set(NOT_NEWLINE);
    if (char === 'O') return set(EVERY);
    if (char === 'w') return set(bareWord());
    if (char === 'W') return set(complement(bareWord()));
    const known = this.setEscape(char);
    if (known) return set(known);
    return this.literal(this.charEscape(char, start), options);
  }

  /** Sets that are the same in brackets and outside. */
  private setEscape(char: string): CodePoints | null {
    const inverted = char === char.toUpperCase();
    const plain = () => {
      switch (char.toLowerCase()) {
        case 's':
          return WHITE_SPACE;
        case 'd':
          return category('Nd')!;
        case 'h':
          return posixSet('xdigit')!;
        case 'p':
          return this.property();
        default:
          return null;
      }
    };
    const found = plain();
    return found && (inverted ? complement(found) : found);
  }

  private property(): CodePoints {
    const found = /^\{(\^?)([^}]*)\}/.exec(this.source.slice(this.at));
    if (!found) throw this.fault(String.raw`\p without braces`);
    this.at += found[0].length;
    const named = propertySet(found[2]!);
    if (!named) throw this.fault(String.raw`the property \p${found[0]}`);
    return found[1] === '^' ? complement(named) : named;
  }

  /** The character that an escape stands for. */
  private charEscape(char: string, start: number): number {
    const codePoint = ESCAPES[char];
    if (codePoint !== undefined) return codePoint;
    const rest = this.source.slice(this.at);
    const hex = char === 'u' ? /^[0-9A-Fa-f]{4}/.exec(rest) : char === 'x' ? /^(?:\{([0-9A-Fa-f]{1,8})\}|[0-7][0-9A-Fa-f])/.exec(rest) : null;
    if (hex) {
      this.at += hex[0].length;
      const value = Number.parseInt(hex[1] ?? hex[0], 16);
      if (value <= 0x10ffff) return value;
    }
    // Letters and digits are escapes of their own kind; other characters stand for themselves.
    if (/^[A-Za-z0-9]$/.test(char)) throw this.fault(`"${this.source.slice(start, start + 2)}"`);
    return char.codePointAt(0)!;
  }

  private foldedClass({ ignoreCase }: Options): CodePoints {
    const start = this.at;
    const [found, isNegated] = this.members();
    const folded = ignoreCase ? foldSet(found) : found;
    if (!folded) throw this.fault(`"[${this.source.slice(start, this.at)}" without regard to case`);
    return isNegated ? complement(folded) : folded;
  }

  /** What stands between brackets, the first of which was read. */
  private members(): [CodePoints, isNegated: boolean] {
    if (++this.depth > 200) throw this.fault('brackets nested this deep');
    const isNegated = this.take('^');
    let before: CodePoints | null = null;
    let found: CodePoints[] = [];
    const sides = () => (before ? intersection(before, union(...found)) : union(...found));
    for (let isFirst = true; ; isFirst = false) {
      if (this.at >= this.source.length) throw this.fault('brackets without end');
      if (!isFirst && this.take(']')) break;
      if (this.take('&&')) {
        before = sides();
        found = [];
        continue;
      }
      found.push(this.member());
    }
    this.depth--;
    return [sides(), isNegated];
  }

  private member(): CodePoints {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.source.slice(this.at));
    if (posix) {
      this.at += posix[0].length;
      const named = posixSet(posix[2]!);
      if (!named) throw this.fault(`"${posix[0]}"`);
      return posix[1] === '^' ? complement(named) : named;
    }
    if (this.take('[')) {
      const [inner, isNegated] = this.members();
      return isNegated ? complement(inner) : inner;
    }
    const first = this.classChar();
    if (typeof first !== 'number') {
      if (this.peek() === '-' && this.source[this.at + 1] !== ']') throw this.fault('a set as the end of a range');
      return first;
    }
    if (this.peek() !== '-' || this.source[this.at + 1] === ']') return one(first);
    this.at++;
    if (this.peek() === '[' || this.source.startsWith('&&', this.at)) throw this.fault('a range without end');
    const last = this.classChar();
    if (typeof last !== 'number' || last < first) throw this.fault('a range without end');
    return span(first, last);
  }

  private classChar(): number | CodePoints {
    const start = this.at;
    const char = this.next();
    if (char !== '\\') return char.codePointAt(0)!;
    const escaped = this.next();
    if (escaped === 'b') return 8;
    if (escaped === 'w') return posixSet('word')!;
    if (escaped === 'W') return complement(posixSet('word')!);
    if (escaped === 'R' || escaped === 'X') throw this.fault(`"\\${escaped}" in brackets`);
    return this.setEscape(escaped) ?? this.charEscape(escaped, start);
  }

  private peek(): string {
    return this.source[this.at] ?? '';
  }

  private next(): string {
    const codePoint = this.source.codePointAt(this.at);
    if (codePoint === undefined) throw this.fault('an end after a backslash');
    const char = String.fromCodePoint(codePoint);
    this.at += char.length;
    return char;
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private fault(what: string): Error {
    const quoted = this.source.length > 200 ? `${this.source.slice(0, 200)}…` : this.source;
    return new UnsupportedError(`${what} in the pattern ${JSON.stringify(quoted)}`);
  }
}

const LINE_BREAK: Node = {
  kind: 'choice',
  options: [
    { kind: 'sequence', parts: [set(one(13)), set(one(10))] },
    set(union(span(10, 13), charsOf('\u0085\u2028\u2029'))),
  ],
};

function set(codePoints: CodePoints): Node {
  return { kind: 'set', set: codePoints };
}
