import { complement, intersection, one, span, union, type CodePoints } from './codePoints.ts';
import { posixSet, propertySet } from './onigSets.ts';
import { Scanner } from './onigScanner.ts';
import { category, WHITE_SPACE } from './unicode.ts';

const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };
const MAX_DEPTH = 200;

/** Reads the character sets in a pattern: escapes and bracket expressions. */
export class BracketScanner extends Scanner {
  private brackets = 0;

  /** Sets that are the same inside and outside brackets. */
  protected setEscape(char: string): CodePoints | null {
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

  protected property(): CodePoints {
    const found = /^\{(\^?)([^}]*)\}/.exec(this.source.slice(this.at));
    if (!found) throw this.fault('"\\p" without braces');
    this.at += found[0].length;
    const named = propertySet(found[2]!);
    if (!named) throw this.fault(`the property "\\p${found[0]}"`);
    return found[1] === '^' ? complement(named) : named;
  }

  /** The character that an escape represents. */
  protected charEscape(char: string, start: number): number {
    const codePoint = ESCAPES[char];
    if (codePoint !== undefined) return codePoint;
    const rest = this.source.slice(this.at);
    const hex =
      char === 'u'
        ? /^[0-9A-Fa-f]{4}/.exec(rest)
        : char === 'x'
          ? /^(?:\{([0-9A-Fa-f]{1,8})\}|[0-7][0-9A-Fa-f])/.exec(rest)
          : null;
    if (hex) {
      this.at += hex[0].length;
      const value = Number.parseInt(hex[1] ?? hex[0], 16);
      if (value <= 0x10ffff) return value;
    }
    // Escaped letters and digits have special meanings; other characters represent themselves.
    if (/^[A-Za-z0-9]$/.test(char)) throw this.fault(`"${this.source.slice(start, start + 2)}"`);
    return char.codePointAt(0)!;
  }

  /** Reads a bracket expression after its first character. */
  protected members(): [CodePoints, isNegated: boolean] {
    if (++this.brackets > MAX_DEPTH) throw this.fault('brackets nested this deep');
    const isNegated = this.take('^');
    let before: CodePoints | null = null;
    let found: CodePoints[] = [];
    const sides = () => (before ? intersection(before, union(...found)) : union(...found));
    for (let isFirst = true; ; isFirst = false) {
      if (this.at >= this.source.length) throw this.fault('unterminated brackets');
      if (!isFirst && this.take(']')) break;
      if (this.take('&&')) {
        before = sides();
        found = [];
        continue;
      }
      found.push(this.member());
    }
    this.brackets--;
    return [sides(), isNegated];
  }

  protected member(): CodePoints {
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
      if (this.peek() === '-' && this.source[this.at + 1] !== ']')
        throw this.fault('a set as a range endpoint');
      return first;
    }
    if (this.peek() !== '-' || this.source[this.at + 1] === ']') return one(first);
    this.at++;
    if (this.peek() === '[' || this.source.startsWith('&&', this.at)) throw this.fault('an incomplete range');
    const last = this.classChar();
    if (typeof last !== 'number' || last < first) throw this.fault('an incomplete range');
    return span(first, last);
  }

  protected classChar(): number | CodePoints {
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
}
