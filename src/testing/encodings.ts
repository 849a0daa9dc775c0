import { execFileSync } from 'node:child_process';

/** Encodings of text other than UTF-8. */
export type WideEncoding = 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

/** Text in such an encoding, for tests; lone surrogates are preserved in UTF-16. */
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

/** Text in any encoding that Python knows, for tests. */
export function pythonEncoded(text: string, codec: string): Uint8Array<ArrayBuffer> {
  const script =
    'import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode("utf-8").encode(sys.argv[1]))';
  return new Uint8Array(execFileSync('python3', ['-c', script, codec], { input: text, maxBuffer: 1 << 28 }));
}
