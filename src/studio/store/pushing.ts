import { GraftError } from '../../base/lib/errors.ts';
import type { NamedBlob } from '../../hosts/browser/messages.ts';
import type { Progress } from '../../hosts/browser/protocol.ts';
import { noteOf } from './errorNote.ts';
import { mergeSettings } from './exporting.ts';
import { busyWith, type SliceOf } from './state.ts';
import { emptyPush, type PushWhat, type PushState, type PushSlice } from './state/pushing.ts';

export const createPushSlice: SliceOf<PushSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<PushState>) =>
      set(({ pushing }) => ({ pushing: { ...pushing, ...changes } }));
    const filesOf = async (what: PushWhat, repo: string) => {
      const { engine } = workers;
      const ends = await get().trainedEnds();
      if (what === 'adapter') return engine.call.adapterFiles(ends, repo);
      const onProgress = (progress: Progress) => {
        if (get().pushing.status === 'merging') patch({ progress });
      };
      const settings = { ...mergeSettings(get()), ends };
      const merged = await engine.call.merge({ kind: 'files', repo }, settings, onProgress);
      return merged.staged ?? [];
    };
    /** What a push sends once its files are made, so that it can be sent again. */
    let made: { what: PushWhat; repo: string; hidden: boolean; files: NamedBlob[] } | null = null;

    const send = async (pathsAllowed: boolean) => {
      const { what, repo, hidden, files } = made!;
      patch({ status: 'sending', progress: null, error: null });
      const title = what === 'adapter' ? 'Adapter trained with Graft' : 'Merged model trained with Graft';
      const { cancelled, outcome } = await workers.hub.call.push(
        repo,
        files,
        { private: hidden, title, pathsAllowed },
        (progress) => get().pushing.status === 'sending' && patch({ progress }),
      );
      made = null;
      if (cancelled) return set({ pushing: emptyPush });
      patch({ status: 'done', progress: null, outcome });
      set(({ adapter }) => ({ adapter: adapter && { ...adapter, saved: true } }));
      get().announce({ kind: 'pushDone', name: repo });
    };

    const failed = (error: unknown) => {
      const cancelled = error instanceof GraftError && error.code === 'merge.cancelled';
      if (cancelled) set({ pushing: emptyPush });
      else patch({ status: 'failed', progress: null, error: noteOf(error) });
    };

    return {
      pushing: emptyPush,
      async push(what, repo, hidden) {
        if (busyWith(get())) return;
        set({ pushing: { ...emptyPush, what, repo: repo.trim(), status: 'merging' } });
        try {
          await get().hubReady();
          const to = repo.trim();
          made = { what, repo: to, hidden, files: await filesOf(what, to) };
          await send(false);
        } catch (error) {
          failed(error);
        }
      },
      async pushAnyway() {
        if (busyWith(get()) || !made) return;
        await send(true).catch(failed);
      },
      async cancelPush() {
        const { status } = get().pushing;
        if (status === 'merging') await workers.engine.call.cancelMerge().catch(() => null);
        if (status === 'sending') await workers.hub.call.cancelPush().catch(() => null);
      },
      dismissPush() {
        made = null;
        patch({ error: null });
      },
    };
  };
