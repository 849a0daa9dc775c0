import type { LrPoint, LrRange, Progress } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface LrSearchState {
  status: 'idle' | 'running' | 'stopping';
  /** Weight upload progress. */
  loading: Progress | null;
  /** Losses by learning rate so far, and the maximum number of points. */
  points: LrPoint[];
  total: number;
  /** The suggested learning rate; null if the loss never fell, or before the end. */
  suggestion: LrRange['suggestion'];
  /** Whether the sweep is complete. */
  done: boolean;
  error: ErrorNote | null;
}

export interface LrSearchSlice {
  lrSearch: LrSearchState;
  /** Searches for a learning rate for the current recipe and data: the LR range test. */
  searchLr(): Promise<void>;
  stopSearch(): Promise<void>;
  /** Clears the results. */
  closeSearch(): void;
}

export const emptyLrSearch: LrSearchState = {
  status: 'idle',
  loading: null,
  points: [],
  total: 0,
  suggestion: null,
  done: false,
  error: null,
};
