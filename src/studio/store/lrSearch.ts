import { noteOf } from './errorNote.ts';
import { busyWith, type SliceOf } from './state.ts';
import { emptyLrSearch, type LrSearchState, type LrSearchSlice } from './state/lrSearch.ts';

export const createLrSearchSlice: SliceOf<LrSearchSlice> =
  ({ workers }) =>
  (set, get) => {
    const { call } = workers.engine;
    const patch = (changes: Partial<LrSearchState>) =>
      set(({ lrSearch }) => ({ lrSearch: { ...lrSearch, ...changes } }));
    return {
      lrSearch: emptyLrSearch,
      async searchLr() {
        if (busyWith(get())) return;
        patch({ ...emptyLrSearch, status: 'running' });
        try {
          const { train } = await workers.data.call.rows();
          const sweep = call.lrRange(
            get().recipe.draft,
            train,
            (point, total) => {
              const { status, points: before } = get().lrSearch;
              // The outcome uses another port and may arrive first.
              if (status !== 'idle') patch({ points: [...before, point], total, loading: null });
            },
            (loading) => patch({ loading: loading.done < loading.total ? loading : null }),
          );
          // Stopped before it had started.
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
      closeSearch: () => patch(emptyLrSearch),
    };
  };
