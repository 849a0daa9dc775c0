import { tokenize, type Token, type TokenType } from './lexer.ts';
import { syntaxError } from './literals.ts';

/** A stream of a template's tokens. */
export class Tokens {
  readonly #tokens: Token[];
  #at = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  get current(): Token {
    return this.#tokens[this.#at] as Token;
  }

  get next(): Token {
    return (this.#tokens[this.#at + 1] ?? this.current) as Token;
  }

  get line(): number {
    return this.current.line;
  }

  /** Advances by one token and returns the previous one. */
  take(): Token {
    const token = this.current;
    if (token.type !== 'eof') this.#at++;
    return token;
  }

  isType(type: TokenType): boolean {
    return this.current.type === type;
  }

  isName(...names: string[]): boolean {
    return this.current.type === 'name' && names.includes(this.current.text);
  }

  isOperator(...operators: string[]): boolean {
    return this.current.type === 'operator' && operators.includes(this.current.text);
  }

  /** Consumes the keyword if it is next. */
  skipName(name: string): boolean {
    const found = this.isName(name);
    if (found) this.take();
    return found;
  }

  skipOperator(operator: string): boolean {
    const found = this.isOperator(operator);
    if (found) this.take();
    return found;
  }

  expectName(): string {
    if (!this.isType('name')) throw this.unexpected('a name');
    return this.take().text;
  }

  expectKeyword(name: string): void {
    if (!this.skipName(name)) throw this.unexpected(`'${name}'`);
  }

  expectOperator(operator: string): void {
    if (!this.skipOperator(operator)) throw this.unexpected(`'${operator}'`);
  }

  expectType(type: TokenType, what: string): void {
    if (!this.isType(type)) throw this.unexpected(what);
    this.take();
  }

  unexpected(wanted: string): Error {
    const { type, text, line } = this.current;
    const ends = {
      block_end: 'end of the tag',
      variable_end: 'end of the expression',
      eof: 'end of the template',
      data: 'text',
    };
    const found = ends[type as keyof typeof ends] ?? `'${text}'`;
    return syntaxError(`expected ${wanted}, found ${found}`, line);
  }
}
