/** Encodings of text other than UTF-8. */
export type WideEncoding = 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

/** Text in such an encoding, for tests; surrogates without a partner stay as they are in UTF-16. */
export function encodedAs(text: string, encoding: WideEncoding): Uint8Array<ArrayBuffer> {
  const width = encoding.startsWith('utf-16') ? 2 : 4;
  const units =
    width === 2
      ? Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
      : Array.from(text, (sign) => sign.codePointAt(0)!);
  const bytes = new Uint8Array(units.length * width);
  const view = new DataView(bytes.buffer);
  const little = encoding.endsWith('le');
  units.forEach((unit, i) =>
    width === 2 ? view.setUint16(i * 2, unit, little) : view.setUint32(i * 4, unit, little),
  );
  return bytes;
}
