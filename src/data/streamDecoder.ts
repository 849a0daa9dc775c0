import type { Vocabulary } from './tokenizer.ts';

export interface StreamDecoderOptions {
  /** Leave special tokens out; default true. */
  skipSpecialTokens?: boolean;
  /** Keep a leading space: the text continues another one. Default false, as when decoding from the start. */
  keepLeadingSpace?: boolean;
}

/**
 * Turns tokens into text as they come. Only complete characters are given out: bytes of a character split over
 * tokens wait for the rest. All pushes and the flush joined are the text of all tokens.
 */
export class StreamDecoder {
  private readonly bytes = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly skipSpecial: boolean;
  private mayStrip: boolean;
  /** Tokens so far and text given out, for tokenizers without byte pieces. */
  private readonly ids: number[] = [];
  private given = '';

  constructor(
    private readonly tokenizer: Vocabulary,
    { skipSpecialTokens = true, keepLeadingSpace = false }: StreamDecoderOptions = {},
  ) {
    this.skipSpecial = skipSpecialTokens;
    this.mayStrip = tokenizer.stripsLeadingSpace && !keepLeadingSpace;
  }

  /** The text that token `id` completes; may be empty. */
  push(id: number): string {
    if (this.skipSpecial && this.tokenizer.specialIds.has(id)) return '';
    const piece = this.tokenizer.pieceBytes(id);
    if (piece) return this.strip(this.bytes.decode(piece, { stream: true }));
    this.ids.push(id);
    const text = this.tokenizer.decode(this.ids, { skipSpecialTokens: this.skipSpecial });
    // An unfinished character decodes to U+FFFD at the end: wait.
    return text.endsWith('\ufffd') ? '' : this.advance(text);
  }

  /** What is left at the end: bytes of an unfinished character, as U+FFFD. */
  flush(): string {
    const rest = this.strip(this.bytes.decode());
    if (this.ids.length === 0) return rest;
    return rest + this.advance(this.tokenizer.decode(this.ids, { skipSpecialTokens: this.skipSpecial }));
  }

  private advance(text: string): string {
    const fresh = text.startsWith(this.given) ? text.slice(this.given.length) : '';
    this.given = text;
    return fresh;
  }

  private strip(text: string): string {
    if (!this.mayStrip || text === '') return text;
    this.mayStrip = false;
    return text.startsWith(' ') ? text.slice(1) : text;
  }
}
