import { templateLimits } from '../../programLimits.ts';
import { TemplateError } from './errors.ts';
import { isIdentifier } from './letters.ts';
import { int } from './values.ts';
import { syntaxError, unescapeText } from './literals.ts';
import { isSpace, SPACE, SPACES, stripEnd } from './text.ts';

export type TokenType =
  | 'data'
  | 'block_begin'
  | 'block_end'
  | 'variable_begin'
  | 'variable_end'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'eof';

export interface Token {
  type: TokenType;
  /** The text; for a string, its value. */
  text: string;
  /** The value of an integer or float. */
  number: number | bigint;
  line: number;
}

const OPERATORS = [
  '**',
  '//',
  '==',
  '!=',
  '>=',
  '<=',
  '+',
  '-',
  '/',
  '*',
  '%',
  '~',
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  '>',
  '<',
  '=',
  '.',
  ':',
  '|',
  ',',
  ';',
];
const CLOSERS: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };

const GAPS = new RegExp(`[${SPACES}]+`, 'y');
const NUMBER =
  /((?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+))|(0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*)/iy;
const NAME = /[\p{L}\p{N}\p{M}\p{Pc}·]+/uy;
const STRING = /'([^'\\]*(?:\\[\s\S][^'\\]*)*)'|"([^"\\]*(?:\\[\s\S][^"\\]*)*)"/y;
const OPEN = /\{[%{#]/g;
const GAP = `[${SPACES}]*`;
const RAW = new RegExp(`\\{%([-+]?)${GAP}raw${GAP}(?:-%\\}${GAP}|%\\})`, 'y');
const RAW_END = new RegExp(`\\{%([-+]?)${GAP}endraw${GAP}(?:\\+%\\}|-%\\}${GAP}|%\\}\\n?)`, 'g');

/**
 * The tokens of a template, with whitespace around tags removed: trim_blocks and lstrip_blocks are on, line endings are
 * `\n`, and one at the end of the source is dropped. Throws TemplateSyntaxError.
 */
export function tokenize(source: string): Token[] {
  if (source.length > templateLimits.source)
    throw new TemplateError('limit', `it has more than ${templateLimits.source} characters`);
  return new Lexer(source.replace(/\r\n?/g, '\n').replace(/\n$/, '')).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Whether the current position is at the start of a line. */
  #lineStart = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#text();
    this.#push('eof', '');
    return this.#tokens;
  }

  #push(type: TokenType, text: string, number: number | bigint = 0): void {
    this.#tokens.push({ type, text, number, line: this.#line });
  }

  /** Text up to the next tag, and the tag. */
  #text(): void {
    const source = this.#source;
    const start = this.#at;
    OPEN.lastIndex = start;
    const tag = OPEN.exec(source);
    if (!tag) {
      this.#data(source.slice(start));
      this.#at = source.length;
      return;
    }
    const open = tag.index;
    RAW.lastIndex = open;
    const raw = RAW.exec(source);
    const kind = source.charAt(open + 1);
    const sign = raw ? (raw[1] ?? '') : (/[-+]/.exec(source.charAt(open + 2))?.[0] ?? '');
    this.#data(
      this.#before(source.slice(start, open), sign, !raw && kind === '{'),
      source.slice(start, open),
    );
    this.#at = raw ? RAW.lastIndex : open + 2 + sign.length;
    if (raw) {
      this.#advance(raw[0]);
      this.#raw();
    } else if (kind === '#') this.#comment();
    else this.#tag(kind === '{' ? 'variable' : 'block');
  }

  /** `text` before a tag, without the trailing whitespace that a `-` or lstrip_blocks removes. */
  #before(text: string, sign: string, isVariable: boolean): string {
    if (sign === '-') return stripEnd(text);
    if (sign === '+' || isVariable) return text;
    const lineAt = text.lastIndexOf('\n') + 1;
    return (lineAt > 0 || this.#lineStart) && SPACE.test(text.slice(lineAt)) ? text.slice(0, lineAt) : text;
  }

  #data(text: string, whole = text): void {
    if (text !== '') this.#push('data', text);
    this.#advance(whole);
  }

  /** Counts the lines of the consumed text. */
  #advance(text: string): void {
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.#line++;
    if (text !== '') this.#lineStart = text.endsWith('\n');
  }

  #comment(): void {
    const source = this.#source;
    const end = source.indexOf('#}', this.#at);
    if (end < 0) throw syntaxError('Missing end of comment tag', this.#line);
    const sign = end > this.#at ? source.charAt(end - 1) : '';
    let stop = end + 2;
    if (sign === '-') while (stop < source.length && isSpace(source.charAt(stop))) stop++;
    else if (sign !== '+' && source.charAt(stop) === '\n') stop++;
    this.#advance(source.slice(this.#at, stop));
    this.#at = stop;
  }

  #raw(): void {
    RAW_END.lastIndex = this.#at;
    const end = RAW_END.exec(this.#source);
    if (!end) throw syntaxError('Missing end of raw directive', this.#line);
    const text = this.#source.slice(this.#at, end.index);
    this.#data(this.#before(text, end[1] ?? '', false), text);
    this.#advance(end[0]);
    this.#at = RAW_END.lastIndex;
  }

  /** The tokens of `{{ … }}` or `{% … %}`. The closing delimiter counts only outside brackets. */
  #tag(kind: 'variable' | 'block'): void {
    this.#push(`${kind}_begin`, '');
    const brackets: string[] = [];
    const source = this.#source;
    for (;;) {
      const end = brackets.length === 0 ? this.#endOfTag(kind) : null;
      if (end !== null) {
        this.#push(`${kind}_end`, '');
        this.#advance(end);
        this.#at += end.length;
        return;
      }
      if (this.#at >= source.length) return;
      this.#token(brackets);
    }
  }

  #endOfTag(kind: 'variable' | 'block'): string | null {
    const source = this.#source;
    const close = kind === 'variable' ? '}}' : '%}';
    const sign = /[-+]/.exec(source.charAt(this.#at))?.[0] ?? '';
    if (kind === 'variable' && sign === '+') return null;
    if (!source.startsWith(close, this.#at + sign.length)) return null;
    let stop = this.#at + sign.length + 2;
    if (sign === '-') while (stop < source.length && isSpace(source.charAt(stop))) stop++;
    else if (sign === '' && kind === 'block' && source.charAt(stop) === '\n') stop++;
    return source.slice(this.#at, stop);
  }

  #token(brackets: string[]): void {
    const source = this.#source;
    const match = (pattern: RegExp): RegExpExecArray | null => {
      pattern.lastIndex = this.#at;
      return pattern.exec(source);
    };
    const spaces = match(GAPS);
    if (spaces) return this.#skip(spaces[0]);
    const number = match(NUMBER);
    // A float does not follow a dot: in `a.1.5` both are integers.
    if (number && !(number[1] !== undefined && source.charAt(this.#at - 1) === '.'))
      return this.#number(number);
    const integer = number ? match(/0(?:_?0)*|[1-9](?:_?\d)*/y) : null;
    if (integer) return this.#number(integer);
    const name = match(NAME);
    if (name) {
      if (!isIdentifier(name[0])) throw syntaxError('Invalid character in identifier', this.#line);
      this.#push('name', name[0]);
      return this.#skip(name[0]);
    }
    const string = match(STRING);
    if (string) {
      this.#push('string', unescapeText(string[1] ?? string[2] ?? '', this.#line));
      return this.#skip(string[0]);
    }
    const operator = OPERATORS.find((text) => source.startsWith(text, this.#at));
    if (operator === undefined) throw syntaxError(`unexpected char '${source.charAt(this.#at)}'`, this.#line);
    const closer = CLOSERS[operator];
    if (closer !== undefined) brackets.push(closer);
    else if (operator === '}' || operator === ')' || operator === ']') {
      const expected = brackets.pop();
      if (expected !== operator)
        throw syntaxError(
          `unexpected '${operator}'${expected === undefined ? '' : `, expected '${expected}'`}`,
          this.#line,
        );
    }
    this.#push('operator', operator);
    return this.#skip(operator);
  }

  #skip(text: string): void {
    this.#advance(text);
    this.#at += text.length;
  }

  #number(match: RegExpExecArray): void {
    const digits = match[0].replaceAll('_', '');
    if (match[1] !== undefined) this.#push('float', match[0], Number(digits));
    else this.#push('integer', match[0], int(BigInt(/^0+$/.test(digits) ? '0' : digits)));
    this.#skip(match[0]);
  }
}
