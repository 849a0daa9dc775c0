const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes UTF-8 strictly, preserving every character (U+FEFF too); null if a byte is invalid. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Index of the first byte that is not valid UTF-8 (overlong forms and surrogates included), or −1. */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i] as number;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const extra =
      lead >= 0xc2 && lead <= 0xdf
        ? 1
        : lead >= 0xe0 && lead <= 0xef
          ? 2
          : lead >= 0xf0 && lead <= 0xf4
            ? 3
            : 0;
    if (extra === 0) return i;
    for (let k = 1; k <= extra; k++) {
      const byte = bytes[i + k];
      if (byte === undefined) return i;
      // Only the second byte of a sequence has a narrower range (RFC 3629, section 4).
      const low = k > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      const high = k > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      if (byte < low || byte > high) return i;
    }
    i += extra + 1;
  }
  return -1;
}

/** A hint for errors about invalid UTF-8: the encoding the bytes look like, or nothing. */
export function encodingHint(bytes: Uint8Array): string {
  for (const [label, name] of [
    ['gb18030', 'GB18030 (or GBK)'],
    ['shift_jis', 'Shift JIS'],
  ] as const) {
    try {
      const text = new TextDecoder(label, { fatal: true }).decode(bytes);
      const strange = text.replace(
        /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{ASCII}\p{P}]/gu,
        '',
      );
      if (/[\p{Script=Han}\p{Script=Hiragana}]/u.test(text) && strange.length * 10 <= text.length) {
        return `; it looks like ${name}`;
      }
    } catch {
      // Not that encoding, or one this runtime doesn't support: no hint.
    }
  }
  const high = bytes.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0);
  return high * 5 < bytes.length ? '; it looks like Latin-1 (Windows-1252)' : '';
}

/** Whether `text` contains a lone surrogate, which UTF-8 can't encode. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
