import type { LrPoint, LrRange, Progress } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { busyWith, type SliceOf } from './state.ts';

export interface LrSearchState {
  status: 'idle' | 'running' | 'stopping';
  /** Weights on their way to the GPU. */
  loading: Progress | null;
  /** Losses by learning rate so far, and how many there will be at most. */
  points: LrPoint[];
  total: number;
  /** What they speak for; null where the loss never fell, or before the end. */
  suggestion: LrRange['suggestion'];
  /** Whether the sweep has come to its end. */
  done: boolean;
  error: ErrorNote | null;
}

export interface LrSearchSlice {
  lrSearch: LrSearchState;
  /** Looks for a learning rate for the recipe and the data as they are: the lr range test. */
  searchLr(): Promise<void>;
  stopSearch(): Promise<void>;
  /** Forgets what was found. */
  closeSearch(): void;
}

const empty: LrSearchState = {
  status: 'idle',
  loading: null,
  points: [],
  total: 0,
  suggestion: null,
  done: false,
  error: null,
};

export const createLrSearchSlice: SliceOf<LrSearchSlice> =
  ({ workers }) =>
  (set, get) => {
    const { call } = workers.engine;
    const patch = (changes: Partial<LrSearchState>) =>
      set(({ lrSearch }) => ({ lrSearch: { ...lrSearch, ...changes } }));
    return {
      lrSearch: empty,
      async searchLr() {
        if (busyWith(get())) return;
        patch({ ...empty, status: 'running' });
        try {
          const { train } = await workers.data.call.rows();
          const sweep = call.lrRange(
            get().recipe.draft,
            train,
            (point, total) => {
              const { status, points: before } = get().lrSearch;
              // The outcome comes by another port and may be first.
              if (status !== 'idle') patch({ points: [...before, point], total, loading: null });
            },
            (loading) => patch({ loading: loading.done < loading.total ? loading : null }),
          );
          // Stopped before there was anything to stop.
          if (get().lrSearch.status === 'stopping') call.stopLrRange().catch(() => undefined);
          const { points, suggestion } = await sweep;
          patch({ status: 'idle', points, suggestion, done: true, loading: null });
        } catch (error) {
          patch({ status: 'idle', loading: null, error: noteOf(error) });
        }
      },
      async stopSearch() {
        if (get().lrSearch.status !== 'running') return;
        patch({ status: 'stopping' });
        await call.stopLrRange().catch(() => undefined);
      },
      closeSearch: () => patch(empty),
    };
  };
