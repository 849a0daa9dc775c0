import type { ByteSource } from '../storage/types.ts';
import type { Chunk } from './lines.ts';
import { firstInvalidUtf8 } from './utf8.ts';

/** How a text file's characters are written. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

/** A text file's encoding, and the length of its byte order mark in bytes. */
export interface EncodingFound {
  encoding: Encoding;
  bom: number;
}

const CHUNK_BYTES = 1024 * 1024;

const BOMS: [Encoding, number[]][] = [
  // Before UTF-16, whose mark it begins with.
  ['utf-32le', [0xff, 0xfe, 0, 0]],
  ['utf-32be', [0, 0, 0xfe, 0xff]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
  ['utf-8', [0xef, 0xbb, 0xbf]],
];

/**
 * The encoding of a text file by its byte order mark; without one by where the zero bytes of its characters are. What
 * is none of the others is UTF-8, valid or not.
 * @param head the file's first bytes
 */
export function encodingOf(head: Uint8Array): EncodingFound {
  const marked = BOMS.find(([, bom]) => bom.every((byte, i) => head[i] === byte));
  if (marked) return { encoding: marked[0], bom: marked[1].length };
  return { encoding: encodingByZeros(head), bom: 0 };
}

function encodingByZeros(head: Uint8Array): Encoding {
  const zeros = [0, 0, 0, 0];
  for (let i = 0; i < head.length; i++) if (head[i] === 0) zeros[i % 4]!++;
  const [a, b, c, d] = zeros as [number, number, number, number];
  if (a + b + c + d === 0) return 'utf-8';
  const units = head.length / 4;
  // Of four bytes the highest is always zero, the next for all but emoji and the like.
  if (d >= Math.floor(units) && c > units * 0.6 && a * 4 < units) return 'utf-32le';
  if (a >= Math.floor(units) && b > units * 0.6 && d * 4 < units) return 'utf-32be';
  const invalid = firstInvalidUtf8(head);
  const isUtf8 = invalid < 0 || invalid > head.length - 4;
  for (const [encoding, high, low] of [
    ['utf-16le', b + d, a + c],
    ['utf-16be', a + c, b + d],
  ] as const) {
    // Latin letters have a zero each; Chinese text only its line ends and digits, but it is no UTF-8.
    const likely = high > units * 2 * 0.25 && low * 10 < high;
    if ((likely || (!isUtf8 && low === 0)) && readsAsText(head, encoding)) return encoding;
  }
  return 'utf-8';
}

/** Whether bytes in an encoding are characters that texts have. */
function readsAsText(head: Uint8Array, encoding: Encoding): boolean {
  const text = new TextDecoder(encoding).decode(head.subarray(0, head.length & ~3));
  const strange = text.match(/[\p{Cn}\p{Co}\p{Cs}\p{Cc}\ufffd]/gu)?.filter((sign) => !/[\n\r\t]/.test(sign));
  return (strange?.length ?? 0) <= 1 + text.length / 50;
}

/** Reads a text file front to back as UTF-8, whatever its encoding. */
export interface TextSource {
  readonly encoding: Encoding;
  /**
   * Chunks from byte `from` of its UTF-8 on, at most a MiB of the file each. Half of a UTF-16 pair becomes bytes that
   * are no UTF-8, so that its line is a problem. `onProgress` gets the file's bytes read and its size.
   */
  chunks(from: number, onProgress?: (done: number, total: number) => void): AsyncGenerator<Chunk>;
}

/** A file as text in UTF-8. Offsets of UTF-8 files are those of the file, mark included; of others, after their mark. */
export function textSource(source: ByteSource, { encoding, bom }: EncodingFound): TextSource {
  if (encoding === 'utf-8') {
    return { encoding, chunks: (from, onProgress) => readChunks(source, Math.max(bom, from), onProgress) };
  }
  return {
    encoding,
    async *chunks(from, onProgress) {
      const transcoder = new Transcoder(encoding);
      let offset = 0;
      for await (const { chunk } of readChunks(source, bom, onProgress)) {
        const text = transcoder.push(chunk);
        const end = offset + text.length;
        if (end > from) {
          const skipped = Math.max(0, from - offset);
          yield { offset: offset + skipped, chunk: text.subarray(skipped) };
        }
        offset = end;
      }
      const rest = transcoder.end();
      if (rest.length > 0) yield { offset, chunk: rest };
    },
  };
}

async function* readChunks(
  source: ByteSource,
  from: number,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<Chunk> {
  for (let offset = from; offset < source.size;) {
    const chunk = await source.read(offset, Math.min(CHUNK_BYTES, source.size - offset));
    yield { offset, chunk };
    offset += chunk.length;
    onProgress?.(offset, source.size);
  }
}

/** UTF-16 or UTF-32 to UTF-8, chunk by chunk. */
class Transcoder {
  private readonly width: 2 | 4;
  private readonly little: boolean;
  private rest = new Uint8Array(0);
  /** The first half of a pair whose second half may be in the next chunk. */
  private high = 0;

  constructor(encoding: Exclude<Encoding, 'utf-8'>) {
    this.width = encoding.startsWith('utf-16') ? 2 : 4;
    this.little = encoding.endsWith('le');
  }

  push(bytes: Uint8Array): Uint8Array {
    const input = new Uint8Array(this.rest.length + bytes.length);
    input.set(this.rest);
    input.set(bytes, this.rest.length);
    const whole = input.length - (input.length % this.width);
    this.rest = input.slice(whole);
    const view = new DataView(input.buffer);
    const out = new Utf8Bytes(whole * 2 + 4);
    for (let i = 0; i < whole; i += this.width) {
      if (this.width === 4) out.add(view.getUint32(i, this.little));
      else this.addUnit(view.getUint16(i, this.little), out);
    }
    return out.bytes();
  }

  end(): Uint8Array {
    const out = new Utf8Bytes(8);
    if (this.high > 0) out.add(this.high);
    // Half a character: as invalid in UTF-8.
    if (this.rest.length > 0) out.add(0xd800);
    return out.bytes();
  }

  private addUnit(unit: number, out: Utf8Bytes): void {
    const { high } = this;
    this.high = 0;
    if (high > 0) {
      if (unit >= 0xdc00 && unit < 0xe000) return out.add(0x10000 + (high - 0xd800) * 0x400 + unit - 0xdc00);
      out.add(high);
    }
    if (unit >= 0xd800 && unit < 0xdc00) this.high = unit;
    else out.add(unit);
  }
}

/** Characters as UTF-8; surrogates and numbers beyond Unicode come out as bytes that are invalid in it. */
class Utf8Bytes {
  private readonly buffer: Uint8Array;
  private length = 0;

  constructor(size: number) {
    this.buffer = new Uint8Array(size);
  }

  add(point: number): void {
    const { buffer } = this;
    if (point < 0x80) buffer[this.length++] = point;
    else if (point < 0x800) {
      buffer[this.length++] = 0xc0 | (point >> 6);
      buffer[this.length++] = 0x80 | (point & 63);
    } else if (point < 0x10000) {
      buffer[this.length++] = 0xe0 | (point >> 12);
      buffer[this.length++] = 0x80 | ((point >> 6) & 63);
      buffer[this.length++] = 0x80 | (point & 63);
    } else if (point < 0x110000) {
      buffer[this.length++] = 0xf0 | (point >> 18);
      buffer[this.length++] = 0x80 | ((point >> 12) & 63);
      buffer[this.length++] = 0x80 | ((point >> 6) & 63);
      buffer[this.length++] = 0x80 | (point & 63);
    } else buffer[this.length++] = 0xff;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}
