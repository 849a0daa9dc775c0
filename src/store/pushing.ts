import { GraftError } from '../lib/errors.ts';
import type { PushOutcome, PushProgress } from '../workers/hubProtocol.ts';
import type { Progress } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { mergeSettings } from './exporting.ts';
import { busyWith, type SliceOf } from './state.ts';

/** What is pushed: the adapter, or a merged model by the choices of the export. */
export type PushWhat = 'adapter' | 'merged';

export interface PushState {
  status: 'idle' | 'merging' | 'sending' | 'done' | 'failed';
  what: PushWhat;
  progress: Progress | PushProgress | null;
  outcome: PushOutcome | null;
  error: ErrorNote | null;
}

export interface PushSlice {
  pushing: PushState;
  /** Pushes to a repo of the Hub as one commit; `hidden` makes a new repo private. */
  push(what: PushWhat, repo: string, hidden: boolean): Promise<void>;
  /** Ends the push under way; what was sent is not sent again. */
  cancelPush(): Promise<void>;
  dismissPush(): void;
}

export const emptyPush: PushState = {
  status: 'idle',
  what: 'adapter',
  progress: null,
  outcome: null,
  error: null,
};

export const createPushSlice: SliceOf<PushSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<PushState>) =>
      set(({ pushing }) => ({ pushing: { ...pushing, ...changes } }));
    const filesOf = async (what: PushWhat) => {
      const { engine } = workers;
      const ends = await get().trainedEnds();
      if (what === 'adapter') return engine.call.adapterFiles(ends);
      const onProgress = (progress: Progress) => {
        if (get().pushing.status === 'merging') patch({ progress });
      };
      const settings = { ...mergeSettings(get()), ends };
      const merged = await engine.call.merge({ kind: 'files' }, settings, onProgress);
      return merged.staged ?? [];
    };
    return {
      pushing: emptyPush,
      async push(what, repo, hidden) {
        if (busyWith(get())) return;
        set({ pushing: { ...emptyPush, what, status: 'merging' } });
        try {
          await get().hubReady();
          const files = await filesOf(what);
          patch({ status: 'sending', progress: null });
          const title = what === 'adapter' ? 'Adapter made with Graft' : 'Merged model made with Graft';
          const { cancelled, outcome } = await workers.hub.call.push(
            repo.trim(),
            files,
            { private: hidden, title },
            (progress) => get().pushing.status === 'sending' && patch({ progress }),
          );
          if (cancelled) return set({ pushing: emptyPush });
          patch({ status: 'done', progress: null, outcome });
          set(({ adapter }) => ({ adapter: adapter && { ...adapter, saved: true } }));
          get().announce({ kind: 'pushDone', name: repo.trim() });
        } catch (error) {
          const cancelled = error instanceof GraftError && error.code === 'merge.cancelled';
          if (cancelled) set({ pushing: emptyPush });
          else patch({ status: 'failed', progress: null, error: noteOf(error) });
        }
      },
      async cancelPush() {
        const { status } = get().pushing;
        if (status === 'merging') await workers.engine.call.cancelMerge().catch(() => null);
        if (status === 'sending') await workers.hub.call.cancelPush().catch(() => null);
      },
      dismissPush: () => patch({ error: null }),
    };
  };
