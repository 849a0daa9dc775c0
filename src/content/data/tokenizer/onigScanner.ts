import { UnsupportedError } from './fields.ts';

/** Reads a pattern from left to right. */
export class Scanner {
  protected at = 0;

  constructor(protected readonly source: string) {}

  protected peek(): string {
    return this.source[this.at] ?? '';
  }

  protected next(): string {
    const codePoint = this.source.codePointAt(this.at);
    if (codePoint === undefined) throw this.fault('a trailing backslash');
    const char = String.fromCodePoint(codePoint);
    this.at += char.length;
    return char;
  }

  protected take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  protected fault(what: string): Error {
    const quoted = this.source.length > 200 ? `${this.source.slice(0, 200)}…` : this.source;
    return new UnsupportedError(`${what} in the pattern ${JSON.stringify(quoted)}`);
  }
}
