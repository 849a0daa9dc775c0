import type { Lead } from './pieces.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface StreamDecoderOptions {
  /** Omit special tokens; default true. */
  skipSpecialTokens?: boolean;
  /** Preserve a leading space: the text continues another one. Default false, as when decoding from the start. */
  keepLeadingSpace?: boolean;
}

/**
 * Decodes tokens incrementally. Only complete characters are returned: bytes of a character split across tokens wait
 * for the rest. All pushes and the flush concatenate to the decoded text, except that a byte fallback character is
 * returned at once: `decode` retracts it if an invalid byte follows in the same run.
 */
export class StreamDecoder {
  private readonly bytes = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly skipSpecial: boolean;
  /** What is still to be stripped at the start. */
  private lead: Lead;
  /** Tokens so far and text returned, for tokenizers without byte pieces. */
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
    // An incomplete character decodes to U+FFFD at the end: wait.
    return text.endsWith('\ufffd') ? '' : this.advance(text);
  }

  private pushPiece(piece: Uint8Array): string {
    if (this.lead !== 'marks') return this.strip(this.bytes.decode(piece, { stream: true }));
    this.lead = 'none';
    // All marks of the first token are stripped, and all its spaces are marks.
    return this.bytes.decode(piece, { stream: true }).replaceAll(' ', '');
  }

  /** What remains at the end: bytes of an incomplete character, as U+FFFD. */
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

/** The text of an answer's tokens, as they are streamed. */
export function streamedText(
  tokenizer: Vocabulary,
  ids: readonly number[],
  options?: StreamDecoderOptions,
): string {
  const decode = new StreamDecoder(tokenizer, options);
  return ids.map((id) => decode.push(id)).join('') + decode.flush();
}
