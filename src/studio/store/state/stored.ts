import type { StorageReport } from '../../../hosts/browser/hubProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface StoredState {
  /** Null until known. */
  report: StorageReport | null;
  /** The browser was asked for persistent storage, and refused. */
  refused: boolean;
  /** The item being removed. */
  removing: string | null;
  error: ErrorNote | null;
}

export interface StoredSlice {
  stored: StoredState;
  /** Reads what is stored on this device. */
  refreshStorage(): Promise<void>;
  /** Removes a repo's stored data after confirmation. */
  removeStored(host: string, repo: string, bytes: number): void;
  /** Removes 4-bit weights without confirmation: they are recreated when needed. */
  removeQuantized(key: string): void;
  /** Asks the browser for persistent storage, which it does not evict when space runs low. */
  keepStorage(): Promise<void>;
  dismissStorageError(): void;
}
