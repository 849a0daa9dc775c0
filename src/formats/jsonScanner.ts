/** What is wrong with a JSON text, and where: `position` counts UTF-16 units from 0. */
export class JsonSyntaxError extends Error {
  readonly position: number;
  readonly problem: string;

  constructor(position: number, problem: string) {
    super(`${problem} at character ${position}`);
    this.name = 'JsonSyntaxError';
    this.position = position;
    this.problem = problem;
  }
}

/** An integer that a double cannot hold exactly. */
export class JsonIntegerTooLarge extends JsonSyntaxError {
  readonly digits: string;

  constructor(position: number, digits: string) {
    super(position, `${digits} is above 2^53 − 1`);
    this.digits = digits;
  }
}

const deepest = 64;
const escapes: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Reads a JSON text (RFC 8259) piece by piece. `JSON.parse` can't be used where the file isn't trusted:
 * it keeps the last of two equal keys and rounds integers above 2^53. Every method throws JsonSyntaxError.
 */
export class JsonScanner {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The position of the next token. */
  get position(): number {
    this.skipSpace();
    return this.at;
  }

  /** The next token's first character, or '' at the end. */
  peek(): string {
    this.skipSpace();
    return this.text.charAt(this.at);
  }

  /** Throws a JsonSyntaxError at the next token. */
  fail(problem: string): never {
    throw new JsonSyntaxError(this.position, problem);
  }

  /** Checks that nothing but white space is left. */
  end(): void {
    if (this.peek() !== '') this.fail(`expected the end, found ${this.found()}`);
  }

  /** Walks an object: `member` is called after each key and must consume the value. Keys may repeat: the caller checks. */
  object(member: (key: string, position: number) => void): void {
    this.expect('{');
    if (this.accept('}')) return;
    do {
      const position = this.position;
      const key = this.string();
      this.expect(':');
      member(key, position);
    } while (this.accept(','));
    this.expect('}');
  }

  /** Walks an array: `item` is called before each item and must consume it. */
  array(item: () => void): void {
    this.expect('[');
    if (this.accept(']')) return;
    do item();
    while (this.accept(','));
    this.expect(']');
  }

  /** A string, with its escapes resolved; lone surrogates are refused, since UTF-8 cannot carry them. */
  string(): string {
    if (this.peek() !== '"') this.fail(`expected a string, found ${this.found()}`);
    const opening = this.at++;
    let start = this.at;
    let out = '';
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x22) break;
      if (code === 0x5c) {
        out += this.text.slice(start, this.at) + this.escape();
        start = this.at;
      } else if (code >= 0x20) {
        this.at++;
      } else {
        throw new JsonSyntaxError(
          this.at,
          Number.isNaN(code) ? 'the string does not end' : 'a control character in a string',
        );
      }
    }
    out += this.text.slice(start, this.at++);
    if (/\p{Surrogate}/u.test(out))
      throw new JsonSyntaxError(opening, 'half of a surrogate pair in a string');
    return out;
  }

  /** A non-negative integer written as plain digits, at most 2^53 − 1. Throws JsonIntegerTooLarge above. */
  unsignedInteger(): number {
    const position = this.position;
    const digits = this.digits();
    if (digits === '' || /[.eE]/.test(this.text.charAt(this.at))) {
      this.at = position;
      this.fail(`expected a non-negative integer, found ${this.found()}`);
    }
    const value = Number(digits);
    if (digits.length > 16 || value > Number.MAX_SAFE_INTEGER) {
      throw new JsonIntegerTooLarge(position, digits.length > 40 ? `${digits.slice(0, 40)}…` : digits);
    }
    return value;
  }

  /** Checks and passes over any value, at most 64 levels deep. */
  skipValue(depth = 0): void {
    if (depth > deepest) this.fail(`nested more than ${deepest} levels deep`);
    const next = this.peek();
    if (next === '{') this.object(() => this.skipValue(depth + 1));
    else if (next === '[') this.array(() => this.skipValue(depth + 1));
    else if (next === '"') this.string();
    else if (!this.literal() && !this.number()) this.fail(`expected a value, found ${this.found()}`);
  }

  private escape(): string {
    const letter = this.text.charAt(this.at + 1);
    if (letter === 'u') {
      const hex = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[\da-fA-F]{4}$/.test(hex)) throw new JsonSyntaxError(this.at, 'a wrong \\u escape');
      this.at += 6;
      return String.fromCharCode(parseInt(hex, 16));
    }
    const plain = letter === '' ? undefined : escapes[letter];
    if (plain === undefined) throw new JsonSyntaxError(this.at, 'a wrong escape');
    this.at += 2;
    return plain;
  }

  private expect(character: string): void {
    if (!this.accept(character)) this.fail(`expected “${character}”, found ${this.found()}`);
  }

  private accept(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  private literal(): boolean {
    const word = ['true', 'false', 'null'].find((candidate) => this.text.startsWith(candidate, this.at));
    this.at += word?.length ?? 0;
    return word !== undefined;
  }

  private number(): boolean {
    const start = this.at;
    if (this.text.charAt(this.at) === '-') this.at++;
    let complete = this.digits() !== '';
    if (complete && this.text.charAt(this.at) === '.') {
      this.at++;
      complete = this.digits(true) !== '';
    }
    if (complete && /[eE]/.test(this.text.charAt(this.at))) {
      this.at += /[+-]/.test(this.text.charAt(this.at + 1)) ? 2 : 1;
      complete = this.digits(true) !== '';
    }
    if (!complete) this.at = start;
    return complete;
  }

  /** Consumes digits; '' if there are none, or a leading zero where none may be. */
  private digits(zeroFirst = false): string {
    // Not a regular expression: on millions of digits its greedy loop would overflow the matcher's stack.
    let end = this.at;
    while (this.text.charCodeAt(end) >= 0x30 && this.text.charCodeAt(end) <= 0x39) end++;
    const digits = this.text.slice(this.at, end);
    if (!zeroFirst && digits.length > 1 && digits.startsWith('0')) return '';
    this.at = end;
    return digits;
  }

  private found(): string {
    const rest = this.text.slice(this.at, this.at + 12);
    return rest === '' ? 'the end' : `“${rest}”`;
  }

  private skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }
}
