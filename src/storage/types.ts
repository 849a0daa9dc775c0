/** Bytes that can be read at random without being held in memory: a File, an OPFS file, a Node file, a range of HTTP. */
export interface ByteSource {
  /** The file's name, for error messages. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`; throws `storage.short_read` when the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes written front to back. Nothing is visible under the file's name before `close` has resolved. */
export interface ByteSink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  /** Gives up: what was written is removed. */
  abort(): Promise<void>;
}

/** A flat folder of files that can be read. Paths are plain file names, without slashes. */
export interface Folder {
  readonly name: string;
  /** The files' names, sorted. */
  list(): Promise<string[]>;
  /** Throws `storage.not_found` when there is no such file. */
  open(file: string): Promise<ByteSource>;
}

/** A folder that can be written too. */
export interface WritableFolder extends Folder {
  create(file: string): Promise<ByteSink>;
  remove(file: string): Promise<void>;
}
