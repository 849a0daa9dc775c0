import { concatBytes } from '../lib/bytes.ts';
import { GraftError } from '../lib/errors.ts';
import { bytesSource } from './byteSource.ts';
import { checkFileName } from '../lib/fileName.ts';
import type { ByteSink, ByteSource, WritableFolder } from './types.ts';

/** An in-memory folder, for tests and small results. */
export class MemoryFolder implements WritableFolder {
  readonly name: string;
  /** The finished files. */
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Read-only subfolders. */
  readonly folders = new Map<string, MemoryFolder>();

  /** `files` maps names to contents; strings are stored as UTF-8. Throws `storage.bad_name`. */
  constructor(name: string, files: Record<string, Uint8Array | string> = {}) {
    this.name = name;
    for (const [file, content] of Object.entries(files)) {
      checkFileName(file);
      this.files.set(
        file,
        typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content),
      );
    }
  }

  async list(): Promise<string[]> {
    return [...this.files.keys()].sort();
  }

  async open(file: string): Promise<ByteSource> {
    const bytes = this.files.get(file);
    if (bytes === undefined) throw new GraftError('storage.not_found', { file, folder: this.name });
    return bytesSource(file, bytes);
  }

  async inner(name: string): Promise<MemoryFolder | null> {
    return this.folders.get(name) ?? null;
  }

  async create(file: string): Promise<MemorySink> {
    checkFileName(file);
    return new MemorySink(file, (bytes) => this.files.set(file, bytes));
  }

  async remove(file: string): Promise<void> {
    if (!this.files.delete(file)) throw new GraftError('storage.not_found', { file, folder: this.name });
  }
}

/** A sink that gathers bytes in memory and passes them to `done` when closed. */
export class MemorySink implements ByteSink {
  private pieces: Uint8Array<ArrayBuffer>[] | undefined = [];
  private readonly file: string;
  private readonly done: (bytes: Uint8Array<ArrayBuffer>) => void;

  constructor(file: string, done: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.file = file;
    this.done = done;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // Copied: the caller may reuse its buffer once the write has resolved.
    this.open().push(bytes.slice());
  }

  async close(): Promise<void> {
    const pieces = this.open();
    this.pieces = undefined;
    this.done(concatBytes(pieces));
  }

  async abort(): Promise<void> {
    this.pieces = undefined;
  }

  private open(): Uint8Array<ArrayBuffer>[] {
    if (this.pieces === undefined) throw new GraftError('storage.sink_closed', { file: this.file });
    return this.pieces;
  }
}
