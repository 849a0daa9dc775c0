import { noteOf } from './errorNote.ts';
import { isDownloading } from './state/download.ts';
import type { SliceOf, Studio } from './state.ts';
import type { StoredState, StoredSlice } from './state/stored.ts';

export const createStoredSlice: SliceOf<StoredSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<StoredState>) =>
      set(({ stored }) => ({ stored: { ...stored, ...changes } }));

    const remove = async (name: string, work: () => Promise<unknown>) => {
      patch({ removing: name, error: null });
      try {
        await work();
        patch({ removing: null });
        await get().refreshStorage();
      } catch (error) {
        patch({ removing: null, error: noteOf(error) });
      }
    };

    return {
      stored: { report: null, refused: false, removing: null, error: null },
      async refreshStorage() {
        try {
          patch({ report: await workers.hub.call.storage(), error: null });
        } catch (error) {
          patch({ report: null, error: noteOf(error) });
        }
      },
      removeStored: (host, repo, bytes) =>
        set({
          question: {
            kind: 'remove',
            repo,
            bytes,
            proceed: () => {
              if (isInUse(get(), host, repo)) return;
              void remove(repo, () => workers.hub.call.remove(host, repo, null));
            },
          },
        }),
      removeQuantized: (key) => void remove(key, () => workers.hub.call.removeQuantized(key)),
      async keepStorage() {
        try {
          const persisted = await navigator.storage.persist();
          patch({ refused: !persisted });
          await get().refreshStorage();
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      dismissStorageError: () => patch({ error: null }),
    };
  };

/** Whether a repo's stored data is open or being downloaded, so that it can't be removed now. */
export function isInUse(
  { model, download }: Pick<Studio, 'model' | 'download'>,
  host: string,
  repo: string,
): boolean {
  const open = model.source?.kind === 'cached' && model.status !== 'none' ? model.source : null;
  if (open?.host === host && open.repo === repo) return true;
  return isDownloading({ download }) && download.model?.host === host && download.model.repo === repo;
}
