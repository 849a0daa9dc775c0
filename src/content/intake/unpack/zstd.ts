import type { Decompress } from 'fzstd';
import { createXXHash64 } from 'hash-wasm';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { unpackLimits } from '../../../base/lib/unpackLimits.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { unpackError, type Unpacked } from './unpacked.ts';

const READ_BYTES = 256 << 10;
/** The most bytes that a block may have, packed or not (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK = 128 << 10;
const RLE = 1;

/** What a frame says of itself (RFC 8878, 3.1.1.1). */
interface FrameHeader {
  length: number;
  window: number;
  /** Unpacked size; null where it is not given. */
  size: number | null;
  hasChecksum: boolean;
  /** Not zero for a frame that needs a dictionary, which nobody has. */
  dictionary: number;
}

/**
 * Unpacks a zstd file of any number of frames. fzstd unpacks the blocks; the frames are walked here, because it trusts
 * their window sizes and checks no sums. Throws `data.unpack_failed`, `data.unpack_window`, and what reading throws.
 */
export async function* unzstd(source: ByteSource): AsyncGenerator<Unpacked> {
  const input = new Input(source);
  const { Decompress } = await import('fzstd');
  try {
    while (await input.has(1)) {
      const magic = await input.peek(4);
      if (magic[0]! >> 4 === 5 && magic[1] === 0x2a && magic[2] === 0x4d && magic[3] === 0x18) {
        const [, , , , ...size] = await input.peek(8);
        await input.skip(8 + size.reduceRight((sum, byte) => sum * 256 + byte, 0));
      } else {
        for await (const bytes of frame(input, source.name, Decompress)) yield { bytes, read: input.at };
      }
    }
  } catch (error) {
    throw error instanceof GraftError ? error : unpackError(source.name, 'zstd', error);
  }
}

async function* frame(
  input: Input,
  file: string,
  Decoder: typeof Decompress,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const header = headerOf(await input.peek(18, true));
  if (header.window > unpackLimits.windowBytes) {
    const window = Math.round(header.window / 2 ** 20);
    throw new GraftError('data.unpack_window', { file, window, limit: unpackLimits.windowBytes / 2 ** 20 });
  }
  if (header.dictionary !== 0) throw new Error('it needs a dictionary');
  const hasher = header.hasChecksum ? await createXXHash64() : null;
  let made: Uint8Array<ArrayBuffer>[] = [];
  // A copy: fzstd goes on using what it hands out.
  const decoder = new Decoder((bytes) => void made.push(bytes.slice()));
  let size = 0;
  let pushed: Uint8Array = await input.take(header.length);
  for (let last = false; !last;) {
    const bits = await input.peek(3);
    const block = bits[0]! | (bits[1]! << 8) | (bits[2]! << 16);
    last = (block & 1) === 1;
    const packed = block >> 3;
    if (packed > MAX_BLOCK) throw new Error('a block is too long');
    const bytes = await input.take(3 + (((block >> 1) & 3) === RLE ? 1 : packed));
    pushed = pushed.length > 0 ? concatBytes([pushed, bytes]) : bytes;
    // The sum belongs to what ends a frame.
    const sum = last && header.hasChecksum ? await input.take(4) : null;
    // fzstd waits for 18 bytes of a frame before it reads its header.
    if (pushed.length >= 18 || last) {
      decoder.push(sum ? concatBytes([pushed, sum]) : pushed, last);
      pushed = new Uint8Array(0);
    }
    for (const part of made) {
      size += part.length;
      hasher?.update(part);
      if (part.length > 0) yield part;
    }
    made = [];
    if (sum && hasher) {
      const found = hasher.digest('binary');
      if (![0, 1, 2, 3].every((at) => sum[at] === found[7 - at])) throw new Error('its checksum is wrong');
    }
  }
  if (header.size !== null && header.size !== size) throw new Error('its size is wrong');
}

function headerOf(bytes: Uint8Array): FrameHeader {
  if (![0x28, 0xb5, 0x2f, 0xfd].every((byte, at) => bytes[at] === byte)) {
    throw new Error('there is something else behind its frames');
  }
  const flags = bytes[4] ?? 0;
  const single = (flags >> 5) & 1;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const sizeBytes = flags >> 6 > 0 ? 1 << (flags >> 6) : single;
  const number = (at: number, length: number) =>
    Array.from({ length }, (_, i) => bytes[at + i] ?? 0).reduceRight((sum, byte) => sum * 256 + byte, 0);
  const dictionaryAt = 6 - single;
  const sizeAt = dictionaryAt + dictionaryBytes;
  const length = sizeAt + sizeBytes;
  if (bytes.length < length) throw new Error('it is cut off');
  const size = sizeBytes === 0 ? null : number(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  const descriptor = bytes[5]!;
  const base = 2 ** (10 + (descriptor >> 3));
  return {
    length,
    size,
    window: single ? size! : base + (base / 8) * (descriptor & 7),
    hasChecksum: (flags & 4) !== 0,
    dictionary: number(dictionaryAt, dictionaryBytes),
  };
}

/** A file from front to back. */
class Input {
  /** Bytes that were read from the file. */
  at = 0;
  private held = new Uint8Array(0);

  constructor(private readonly source: ByteSource) {}

  /** Whether so many bytes follow. */
  async has(count: number): Promise<boolean> {
    while (this.held.length < count && this.at < this.source.size) {
      const more = await this.source.read(this.at, Math.min(READ_BYTES, this.source.size - this.at));
      this.at += more.length;
      this.held = this.held.length > 0 ? concatBytes([this.held, more]) : more;
    }
    return this.held.length >= count;
  }

  /** The next bytes, which stay. @param upTo fewer at the end of the file */
  async peek(count: number, upTo = false): Promise<Uint8Array> {
    if (!(await this.has(count)) && !upTo) throw new Error('it is cut off');
    return this.held.subarray(0, count);
  }

  async take(count: number): Promise<Uint8Array> {
    const taken = await this.peek(count);
    this.held = this.held.subarray(count);
    return taken;
  }

  async skip(count: number): Promise<void> {
    const here = Math.min(count, this.held.length);
    this.held = this.held.subarray(here);
    if (count - here > this.source.size - this.at) throw new Error('it is cut off');
    this.at += count - here;
  }
}
