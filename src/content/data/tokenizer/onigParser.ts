import { charsOf, complement, EVERY, one, span, union, type CodePoints } from './codePoints.ts';
import { BracketScanner } from './onigBrackets.ts';
import { bareWord, foldChar, FOLDING_PAIRS, foldSet } from './onigSets.ts';

/** Syntax tree of a regular expression. */
export type Node =
  | { kind: 'set'; set: CodePoints }
  | { kind: 'sequence'; parts: Node[] }
  | { kind: 'choice'; options: Node[] }
  | { kind: 'repeat'; body: Node; min: number; max: number; mode: 'greedy' | 'lazy' | 'possessive' }
  | { kind: 'look'; body: Node; behind: boolean; negative: boolean }
  | { kind: 'atomic'; body: Node }
  | { kind: 'anchor'; at: Anchor };

export type Anchor =
  'lineStart' | 'lineEnd' | 'textStart' | 'textEnd' | 'lastLineEnd' | 'wordBorder' | 'noWordBorder';

interface Options {
  ignoreCase: boolean;
  /** Ruby's m: the dot matches line breaks. */
  dotAll: boolean;
  extended: boolean;
}

/** Maximum length of a pattern; those on the Hub have some hundred characters. */
const MAX_LENGTH = 10_000;
const NOT_NEWLINE = complement(one(10));

/**
 * Parses a pattern of Oniguruma's default (Ruby-like) syntax. Throws an Error that quotes what isn't supported or isn't
 * valid: back references, named calls, conditions, absent operators, `\G`, `\K`, `\X`, …
 */
export function parseOnig(pattern: string): Node {
  return new Parser(pattern).parse();
}

class Parser extends BracketScanner {
  private depth = 0;

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
    /** The run of letters just read, for case folding of pairs. */
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
        throw this.fault(`case-insensitive "${letters.slice(-2)}"`);
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

  /** An atom without its quantifier; null for a comment; options for the rest of the group. */
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
        return { kind: 'anchor', at: 'lineStart' };
      case '$':
        return { kind: 'anchor', at: 'lineEnd' };
      case '\\':
        return this.escape(options);
      case '*':
      case '+':
      case '?':
        throw this.fault(`"${char}" with nothing to repeat`);
      default:
        return this.literal(char.codePointAt(0)!, options);
    }
  }

  private literal(codePoint: number, { ignoreCase }: Options): Node {
    const folded = ignoreCase ? foldChar(codePoint) : one(codePoint);
    if (!folded) throw this.fault(`case-insensitive "${String.fromCodePoint(codePoint)}"`);
    return set(folded);
  }

  private group(options: Options): Node | { options: Options; rest: true } | null {
    if (!this.take('?')) return this.closed(options);
    if (this.take(':')) return this.closed(options);
    if (this.take('>')) return { kind: 'atomic', body: this.closed(options) };
    if (this.take('#')) {
      const end = this.source.indexOf(')', this.at);
      if (end < 0) throw this.fault('an unterminated comment');
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
    if (!this.take(')')) throw this.fault('an unterminated group');
    return node;
  }

  private quantified(atom: Node, options: Options): Node {
    let node = atom;
    while (!(options.extended && this.skipExtended() && this.at >= this.source.length)) {
      const limits = this.limits();
      if (!limits) return node;
      const [min, max, isInterval] = limits;
      // Ruby: {n,m}+ repeats a repetition, {n}? is optional; a + is possessive only after ?, * and +.
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
    const anchors: Readonly<Record<string, Anchor>> = {
      A: 'textStart',
      z: 'textEnd',
      Z: 'lastLineEnd',
      b: 'wordBorder',
      B: 'noWordBorder',
    };
    if (Object.hasOwn(anchors, char)) return { kind: 'anchor', at: anchors[char]! };
    if (char === 'R') return { kind: 'atomic', body: LINE_BREAK };
    if (char === 'N') return set(NOT_NEWLINE);
    if (char === 'O') return set(EVERY);
    if (char === 'w') return set(bareWord());
    if (char === 'W') return set(complement(bareWord()));
    const known = this.setEscape(char);
    if (known) return set(known);
    return this.literal(this.charEscape(char, start), options);
  }

  private foldedClass({ ignoreCase }: Options): CodePoints {
    const start = this.at;
    const [found, isNegated] = this.members();
    const folded = ignoreCase ? foldSet(found) : found;
    if (!folded) throw this.fault(`case-insensitive "[${this.source.slice(start, this.at)}"`);
    return isNegated ? complement(folded) : folded;
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
