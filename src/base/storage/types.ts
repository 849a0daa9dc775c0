/** Random-access bytes that are not held in memory: a File, an OPFS file, a Node file, or HTTP ranges. */
export interface ByteSource {
  /** The file's name, for error messages. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`; throws `storage.short_read` if the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Fills `target` from `offset` on, without a copy on the way where the file allows it; throws as `read` does. It may
   * keep the file open until `release`.
   */
  readInto(offset: number, target: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Closes what `readInto` keeps open; it may be used again. */
  release?(): Promise<void>;
  /** Distinguishes these contents from others of the same name and size: a checksum, or the modification time. */
  readonly version?: string;
}

/** Sequential output. Nothing is visible under the file's name before `close` has resolved. */
export interface ByteSink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  /** Discards what was written. */
  abort(): Promise<void>;
}

/** Origin of a folder's files: a Hub repo at a commit. */
export interface FolderOrigin {
  repo: string;
  commit: string;
  /** Short name of the licence; null if the authors give none. */
  license: string | null;
}

/** A flat, readable folder of files. Paths are plain file names, without slashes. */
export interface Folder {
  readonly name: string;
  readonly origin?: FolderOrigin;
  /** Sorted file names. */
  list(): Promise<string[]>;
  /** Throws `storage.not_found` if there is no such file. */
  open(file: string): Promise<ByteSource>;
  /**
   * Whether a file is a link to something outside of the folder, which must not be published with it. Absent where a folder
   * has no links.
   */
  leadsOutside?(file: string): Promise<boolean>;
  /** A subfolder, if this kind of folder supports them; null if there is none of that name. */
  inner?(name: string): Promise<Folder | null>;
}

/** A folder that can also be written. */
export interface WritableFolder extends Folder {
  create(file: string): Promise<ByteSink>;
  remove(file: string): Promise<void>;
  /** Removes what sinks of a killed process have left, where that takes space. No sink may be open there. */
  removeUnfinished?(): Promise<void>;
}

/**
 * A file for reading and writing at any offset, by one owner at a time. Written data may be lost in a crash until
 * `flush` has resolved. Concurrent reads and writes are allowed if their ranges don't overlap.
 */
export interface RandomAccessFile {
  readonly name: string;
  /** Current size in bytes. */
  size(): Promise<number>;
  /** Reads exactly `length` bytes from `offset`; throws `storage.short_read` if the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes all of `bytes` at `offset`; a gap before it reads as zeros. Throws `storage.quota`. */
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Truncates the file, or extends it with zeros. */
  truncate(size: number): Promise<void>;
  flush(): Promise<void>;
  /** Does not flush. Closing twice is not an error. */
  close(): Promise<void>;
}

/** A directory with subdirectories, whose files can also be edited in place. Names are plain, without slashes. */
export interface Directory extends WritableFolder {
  /** Sorted names of the subdirectories; empty if the directory does not exist yet. */
  directories(): Promise<string[]>;
  /** The named subdirectory, created on the first write. */
  directory(name: string): Promise<Directory>;
  /** Removes a subdirectory with its content; a missing one is not an error. */
  removeDirectory(name: string): Promise<void>;
  /** Opens a file for editing in place, created if missing: it is visible at once. Throws `storage.busy`. */
  edit(file: string): Promise<RandomAccessFile>;
}

/** A lock that is held. */
export interface Owner {
  /** Distinguishes this hold from all others. */
  readonly token: string;
  /**
   * Whether the owner before may wake: it was silent for so long that it was taken for dead, and may yet finish a write it had
   * begun. False or missing where it is known to have ended, or there was none.
   */
  readonly mayWake?: boolean;
  /**
   * Resolves where the lock is still its own; before every commit and every removal of what the lock guards. Throws
   * `storage.lost_ownership`.
   */
  check(): Promise<void>;
}

/** Who holds a lock, as far as that is known. */
export interface LockHolder {
  /** Its process, where that is on this machine; null where it is elsewhere, or a tab. */
  pid: number | null;
  /** Milliseconds since 1970; null in a browser. */
  since: number | null;
  /** The path of the lock file; null in a browser. */
  file: string | null;
}

export interface HoldOptions {
  /** Ends waiting: `hold` throws its reason. */
  signal?: AbortSignal;
  /** Called once if another owner holds the lock. */
  onWait?: (holder: LockHolder) => void;
}

/** Named locks shared by all tabs of a page, or by processes that share a folder. */
export interface Locks {
  /** Runs `work` while no other owner holds `name`. Throws the signal's reason if aborted while waiting. */
  hold<T>(name: string, work: (owner: Owner) => Promise<T>, options?: HoldOptions): Promise<T>;
  /** Who holds `name` now; null where nobody does. It takes and writes nothing. */
  holder(name: string): Promise<LockHolder | null>;
}
