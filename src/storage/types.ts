/** Bytes that can be read at random without being held in memory: a File, an OPFS file, a Node file, a range of HTTP. */
export interface ByteSource {
  /** The file's name, for error messages. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`; throws `storage.short_read` when the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Where a file can be read without a copy on the way: fills `target` from `offset` on. It keeps the file open until
   * `release`; `readInto` of storage/byteSource.ts is for any source.
   */
  readInto?(offset: number, target: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Closes what `readInto` keeps open; it may be used again. */
  release?(): Promise<void>;
  /** What tells these contents from others of the same name and size: a checksum, or when the file was changed. */
  readonly version?: string;
}

/** Bytes written front to back. Nothing is visible under the file's name before `close` has resolved. */
export interface ByteSink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  /** Gives up: what was written is removed. */
  abort(): Promise<void>;
}

/** Where a folder's files are from: a repo of a Hub at a commit. */
export interface FolderOrigin {
  repo: string;
  commit: string;
  /** The licence's short name; null where its authors give none. */
  license: string | null;
}

/** A flat folder of files that can be read. Paths are plain file names, without slashes. */
export interface Folder {
  readonly name: string;
  readonly origin?: FolderOrigin;
  /** The files' names, sorted. */
  list(): Promise<string[]>;
  /** Throws `storage.not_found` when there is no such file. */
  open(file: string): Promise<ByteSource>;
  /** A folder in it, where this kind of folder can look there; null when there is none of that name. */
  inner?(name: string): Promise<Folder | null>;
}

/** A folder that can be written too. */
export interface WritableFolder extends Folder {
  create(file: string): Promise<ByteSink>;
  remove(file: string): Promise<void>;
}

/**
 * A file read and written at any offset by one owner at a time. What was written may be lost in a crash until `flush`
 * has resolved. Several reads and writes may run at once when their ranges don't overlap.
 */
export interface RandomAccessFile {
  readonly name: string;
  /** Size in bytes, now. */
  size(): Promise<number>;
  /** Reads exactly `length` bytes from `offset`; throws `storage.short_read` when the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes all of `bytes` at `offset`; a gap before it reads as zeros. Throws `storage.quota`. */
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Cuts the file, or extends it with zeros. */
  truncate(size: number): Promise<void>;
  flush(): Promise<void>;
  /** Does not flush. Closing twice is no error. */
  close(): Promise<void>;
}

/** A folder with folders in it, whose files can also be changed in place. Names are plain, without slashes. */
export interface Directory extends WritableFolder {
  /** The names of the folders in it, sorted; none where the folder itself is yet to be made. */
  directories(): Promise<string[]>;
  /** The folder of that name, which is made when something is written to it. */
  directory(name: string): Promise<Directory>;
  /** Removes a folder with all it holds; one that is not there is no error. */
  removeDirectory(name: string): Promise<void>;
  /** Opens a file for changes in place, made if missing: it is visible at once. Throws `storage.busy`. */
  edit(file: string): Promise<RandomAccessFile>;
}

/** Locks by name between all tabs of a page, or between processes that share a folder. */
export interface Locks {
  /**
   * Runs `work` while no other owner holds `name`; `onWait` is called once when another does. Throws the signal's
   * reason when it is aborted while waiting.
   */
  hold<T>(
    name: string,
    work: () => Promise<T>,
    options?: { signal?: AbortSignal; onWait?: () => void },
  ): Promise<T>;
}
