import { BYTE_CHARS } from './pieces.ts';

const encoder = new TextEncoder();

/** UTF-8 of `text` in GPT-2's alphabet, where every byte is a printable character. */
export function byteCharsOf(text: string): string {
  let mapped = '';
  for (const byte of encoder.encode(text)) mapped += BYTE_CHARS[byte];
  return mapped;
}

/** Length of the character in UTF-8 bytes. */
export function utf8Size(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}
