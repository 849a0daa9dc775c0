import type { Lead } from './pieces.ts';
import type { Vocabulary } from './tokenizer.ts';

export interface StreamDecoderOptions {
  /** Leave special tokens out; default true. */
  skipSpecialTokens?: boolean;
  /** Keep a leading space: the text continues another one. Default false, as when decoding from the start. */
  keepLeadingSpace?: boolean;
}

/**
 * Turns tokens into text as they come. Only complete characters are given out: bytes of a character split over
 * tokens wait for the rest. All pushes and the flush joined are the text of all tokens, but that a character of a byte
 * fallback is given out at once: `decode` takes back what stands in a row with an invalid byte.
 */
export class StreamDecoder {
  private readonly bytes = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly skipSpecial: boolean;
  /** What is still to be dropped at the beginning. */
  private lead: Lead;
  /** Tokens so far and text given out, for tokenizers without byte pieces. */
  private readonly ids: number[] = [];
  private given = '';

  constructor(
    private readonly tokenizer: Vocabulary,
    { skipSpecialTokens = true, keepLeadingSpace = false }: StreamDecoderOptions = {},
  ) {
    this.skipSpecial = skipSpecialTokens;
    this.lead = keepLeadingSpace ? 'none' : tokenizer.lead;
  }

  /** The text that token `id` completes; may be empty. */
  push(id: number): string {
    if (this.skipSpecial && this.tokenizer.specialIds.has(id)) return '';
    const piece = this.tokenizer.pieceBytes(id);
    if (piece) return this.pushPiece(piece);
    this.ids.push(id);
    const text = this.tokenizer.decode(this.ids, { skipSpecialTokens: this.skipSpecial });
    // An unfinished character decodes to U+FFFD at the end: wait.
    return text.endsWith('\ufffd') ? '' : this.advance(text);
  }

  private pushPiece(piece: Uint8Array): string {
    if (this.lead !== 'marks') return this.strip(this.bytes.decode(piece, { stream: true }));
    this.lead = 'none';
    // Of the first token every mark is dropped, and marks are all its spaces.
    return this.bytes.decode(piece, { stream: true }).replaceAll(' ', '');
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
    if (this.lead !== 'space' || text === '') return text;
    this.lead = 'none';
    return text.startsWith(' ') ? text.slice(1) : text;
  }
}
