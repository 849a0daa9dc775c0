/** The part of FileSystemSyncAccessHandle used here; it exists in dedicated workers only, so TypeScript's DOM lacks it. */
export interface SyncAccessHandle {
  getSize(): number;
  truncate(size: number): void;
  read(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  flush(): void;
  close(): void;
}

/** A file handle in a dedicated worker. */
export interface SyncCapableHandle extends FileSystemFileHandle {
  /** Chromium alone knows the mode, in which a file may be open more than once; others open it for one owner. */
  createSyncAccessHandle(options?: { mode: 'read-only' }): Promise<SyncAccessHandle>;
}
