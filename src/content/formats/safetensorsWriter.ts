import { concatBytes } from '../../base/lib/bytes.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSink } from '../../base/storage/types.ts';
import { isDtype } from './dtypes.ts';
import { clip } from './safetensorsHeader.ts';
import {
  tensorBytes,
  safetensorsLayout,
  type Metadata,
  type SafetensorsLayout,
  type TensorEntry,
} from './safetensorsLayout.ts';

/** How a file is named in errors, and a layout to use instead of one made from the entries. */
export interface SafetensorsWriterOptions {
  file?: string;
  layout?: SafetensorsLayout;
}

/** Writes a safetensors file front to back: the header, then every tensor in order, each in any number of pieces. */
export class SafetensorsWriter {
  readonly layout: SafetensorsLayout;
  private readonly sink: ByteSink;
  private readonly file: string;
  private headerWritten = false;
  private current = 0;
  private written = 0;

  /** Nothing is written before the first `write` or `close`. Throws what `safetensorsLayout` throws. */
  constructor(
    sink: ByteSink,
    entries: readonly TensorEntry[],
    metadata: Metadata = {},
    options: SafetensorsWriterOptions = {},
  ) {
    this.sink = sink;
    this.file = options.file ?? 'model.safetensors';
    this.layout = options.layout ?? safetensorsLayout(entries, metadata, undefined, this.file);
  }

  /**
   * Appends bytes to tensor `name`, which must be the unfinished one or the next. Await each call before the next.
   * Throws `formats.write_order`, `formats.write_size`, and what the sink throws.
   */
  async write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.seek(name);
    const { byteLength } = this.layout.tensors[this.current]!;
    const after = this.written + bytes.byteLength;
    if (after > byteLength) this.failSize(name, after, byteLength);
    this.written = after;
    await this.writeHeader();
    if (bytes.byteLength > 0) await this.sink.write(bytes);
  }

  /** Finishes the file. Throws `formats.write_size` for a tensor that is incomplete; the caller then aborts. */
  async close(): Promise<void> {
    for (; this.current < this.layout.tensors.length; this.current++, this.written = 0) {
      const { name, byteLength } = this.layout.tensors[this.current]!;
      if (this.written !== byteLength) this.failSize(name, this.written, byteLength);
    }
    await this.writeHeader();
    await this.sink.close();
  }

  /** Gives up: the sink removes what was written. */
  async abort(): Promise<void> {
    await this.sink.abort();
  }

  /** Makes `name` the current tensor; those passed over must be complete (as empty ones are from the start). */
  private seek(name: string): void {
    const { tensors } = this.layout;
    let { current, written } = this;
    while (tensors[current] !== undefined && tensors[current]!.name !== name) {
      const { name: due, byteLength } = tensors[current]!;
      if (written !== byteLength) {
        if (written > 0) this.failSize(due, written, byteLength);
        this.failOrder(name, due);
      }
      current++;
      written = 0;
    }
    if (tensors[current] === undefined) this.failOrder(name, 'the end');
    this.current = current;
    this.written = written;
  }

  private async writeHeader(): Promise<void> {
    if (this.headerWritten) return;
    this.headerWritten = true;
    await this.sink.write(this.layout.header);
  }

  private failOrder(tensor: string, expected: string): never {
    const params = { file: this.file, tensor: clip(tensor), expected: clip(expected) };
    throw new GraftError('formats.write_order', params);
  }

  private failSize(tensor: string, actual: number, expected: number): never {
    throw new GraftError('formats.write_size', { file: this.file, tensor: clip(tensor), actual, expected });
  }
}

/** A whole safetensors file in memory, for small ones. Throws what `safetensorsLayout` throws, `formats.write_size`. */
export function encodeSafetensors(
  tensors: Iterable<TensorEntry & { bytes: Uint8Array }>,
  metadata: Metadata = {},
): Uint8Array<ArrayBuffer> {
  const file = 'model.safetensors';
  const entries = [...tensors].map((entry) => {
    const actual = entry.bytes.byteLength;
    const expected = isDtype(entry.dtype) ? tensorBytes(entry, file) : actual;
    if (actual !== expected) {
      throw new GraftError('formats.write_size', { file, tensor: clip(entry.name), actual, expected });
    }
    return { ...entry, byteLength: actual };
  });
  return concatBytes([safetensorsLayout(entries, metadata).header, ...entries.map(({ bytes }) => bytes)]);
}
