import { GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { guessCharset, highSample, legacyEncodings, utf8Evidence, type LegacyEncoding } from './charset.ts';
import type { Chunk } from './lines.ts';
import { firstInvalidUtf8 } from './utf8.ts';

/** Encodings of Unicode, and older ones. */
export const encodings = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'utf-32le',
  'utf-32be',
  ...legacyEncodings,
] as const;
/** The character encoding of a text file. */
export type Encoding = (typeof encodings)[number];
type WideEncoding = Exclude<Encoding, 'utf-8' | LegacyEncoding>;

/** A text file's encoding, and the length of its byte order mark in bytes. */
export interface DetectedEncoding {
  encoding: Encoding;
  bom: number;
}

const CHUNK_BYTES = 1024 * 1024;

const BOMS: [Exclude<Encoding, LegacyEncoding>, number[]][] = [
  // Before UTF-16, whose BOM is a prefix of this one.
  ['utf-32le', [0xff, 0xfe, 0, 0]],
  ['utf-32be', [0, 0, 0xfe, 0xff]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
  ['utf-8', [0xef, 0xbb, 0xbf]],
];

/**
 * Detects a text file's encoding from its byte order mark; without one, from where its zero bytes are. Anything else
 * counts as UTF-8, valid or not.
 * @param head the file's first bytes
 */
export function encodingOf(head: Uint8Array): DetectedEncoding {
  const marked = BOMS.find(([, bom]) => bom.every((byte, i) => head[i] === byte));
  if (marked) return { encoding: marked[0], bom: marked[1].length };
  return { encoding: encodingByZeros(head), bom: 0 };
}

/**
 * The encoding of a text file, by its bytes beyond ASCII where there is no mark: UTF-8 if most of them are, even if some
 * lines are damaged; an older one if its frequent characters are there. Throws `data.encoding_unclear` where it may be
 * several.
 * @param head the file's first bytes
 */
export async function detectEncoding(source: ByteSource, head: Uint8Array): Promise<DetectedEncoding> {
  const found = encodingOf(head);
  if (found.encoding !== 'utf-8' || found.bom > 0) return found;
  const sample = await highSample(source);
  if (sample === null) return found;
  const { valid, invalid, goodLines, badLines: bad } = utf8Evidence(sample);
  // Bytes of an older encoding may look like a character of UTF-8 here and there, but hardly so through a whole line.
  if (valid >= invalid || goodLines >= bad) return found;
  const { encoding, candidates } = guessCharset(sample);
  if (encoding !== null) return { encoding, bom: 0 };
  // A few broken lines, in a file that is fine otherwise: they are reported one by one.
  const { lines, badLines } = utf8Evidence(head);
  if (badLines * 4 <= lines) return found;
  const likely = candidates.slice(0, MAX_CHOICES).map((candidate) => sampleOf(sample, candidate));
  throw new GraftError('data.encoding_unclear', {
    file: source.name,
    choices: JSON.stringify(likely),
    encodings: likely.map(({ encoding: name }) => name).join(', '),
    first: likely[0]?.encoding ?? 'windows-1252',
  });
}

/** An encoding that a file may have, and the beginning of its text if so. */
export interface EncodingChoice {
  encoding: Encoding;
  sample: string;
}

/** Encodings that are offered where it is not clear which it is. */
const MAX_CHOICES = 6;
const SAMPLE_SIGNS = 60;

/** Text around the first character that tells encodings apart. */
function sampleOf(bytes: Uint8Array, encoding: LegacyEncoding): EncodingChoice {
  const text = new TextDecoder(encoding).decode(bytes);
  const at = Math.max(0, text.search(/\P{ASCII}/u) - SAMPLE_SIGNS / 3);
  return {
    encoding,
    sample: text
      .slice(at, at + SAMPLE_SIGNS)
      .replace(/\s+/g, ' ')
      .trim(),
  };
}

/** An encoding that the user chose; a byte order mark is no text in any. */
export function chosenEncoding(head: Uint8Array, encoding: Encoding): DetectedEncoding {
  const mark = BOMS.find(([marked]) => marked === encoding)?.[1];
  return { encoding, bom: mark?.every((byte, i) => head[i] === byte) ? mark.length : 0 };
}

function encodingByZeros(head: Uint8Array): Exclude<Encoding, LegacyEncoding> {
  const zeros = [0, 0, 0, 0];
  for (let i = 0; i < head.length; i++) if (head[i] === 0) zeros[i % 4]!++;
  const [a, b, c, d] = zeros as [number, number, number, number];
  if (a + b + c + d === 0) return 'utf-8';
  const units = head.length / 4;
  // The highest of four bytes is always zero, the next one for all but emoji and the like.
  if (d >= Math.floor(units) && c > units * 0.6 && a * 4 < units) return 'utf-32le';
  if (a >= Math.floor(units) && b > units * 0.6 && d * 4 < units) return 'utf-32be';
  const invalid = firstInvalidUtf8(head);
  const isUtf8 = invalid < 0 || invalid > head.length - 4;
  for (const [encoding, high, low] of [
    ['utf-16le', b + d, a + c],
    ['utf-16be', a + c, b + d],
  ] as const) {
    // Latin letters have one zero byte each; Chinese text only in line ends and digits, but it is not valid UTF-8.
    const likely = high > units * 2 * 0.25 && low * 10 < high;
    if ((likely || (!isUtf8 && low === 0)) && readsAsText(head, encoding)) return encoding;
  }
  return 'utf-8';
}

/** Whether the decoded characters are ones that occur in text. */
function readsAsText(head: Uint8Array, encoding: Encoding): boolean {
  const text = new TextDecoder(encoding).decode(head.subarray(0, head.length & ~3));
  const strange = text.match(/[\p{Cn}\p{Co}\p{Cs}\p{Cc}\ufffd]/gu)?.filter((sign) => !/[\n\r\t]/.test(sign));
  return (strange?.length ?? 0) <= 1 + text.length / 50;
}

/** Reads a text file from start to end as UTF-8, whatever its encoding. */
export interface TextSource {
  readonly encoding: Encoding;
  /**
   * Chunks from byte `from` of the UTF-8 text, each from at most 1 MiB of the file. A lone UTF-16 surrogate becomes
   * bytes that are invalid UTF-8, so its line is a problem. `onProgress` gets the file bytes read and the file size.
   */
  chunks(from: number, onProgress?: (done: number, total: number) => void): AsyncGenerator<Chunk>;
}

/**
 * A file as UTF-8 text. For UTF-8 files, offsets are file offsets including the BOM; for others they start after it.
 */
export function textSource(source: ByteSource, { encoding, bom }: DetectedEncoding): TextSource {
  if (encoding === 'utf-8') {
    return { encoding, chunks: (from, onProgress) => readChunks(source, Math.max(bom, from), onProgress) };
  }
  return {
    encoding,
    async *chunks(from, onProgress) {
      const transcoder = isLegacy(encoding) ? new LegacyDecoder(encoding) : new Transcoder(encoding);
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

/** Transcodes UTF-16 or UTF-32 to UTF-8, chunk by chunk. */
class Transcoder {
  private readonly width: 2 | 4;
  private readonly little: boolean;
  private rest = new Uint8Array(0);
  /** A high surrogate whose low surrogate may be in the next chunk. */
  private high = 0;

  constructor(encoding: WideEncoding) {
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
    // A truncated character: invalid, as in UTF-8.
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

/** Code points as UTF-8; surrogates and values beyond Unicode become invalid bytes. */
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

function isLegacy(encoding: Encoding): encoding is LegacyEncoding {
  return (legacyEncodings as readonly string[]).includes(encoding);
}

const encoder = new TextEncoder();

/** Converts an encoding older than Unicode to UTF-8, chunk by chunk. What is no character in it becomes U+FFFD. */
class LegacyDecoder {
  private readonly decoder: TextDecoder;

  constructor(encoding: LegacyEncoding) {
    this.decoder = new TextDecoder(encoding);
  }

  push(bytes: Uint8Array): Uint8Array {
    return encoder.encode(this.decoder.decode(bytes, { stream: true }));
  }

  end(): Uint8Array {
    return encoder.encode(this.decoder.decode());
  }
}
