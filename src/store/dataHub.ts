import type { DownloadProgress, HubDataFacts } from '../workers/hubProtocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { isTraining, type SliceOf } from './state.ts';

export interface DataHubState {
  /** The data set that is being looked up. */
  lookingUp: string | null;
  found: HubDataFacts | null;
  /** The file that is being downloaded. */
  fetching: { path: string; progress: DownloadProgress | null } | null;
  error: ErrorNote | null;
}

export interface DataHubSlice {
  dataHub: DataHubState;
  /** Looks up a data set, `org/name` with or without a revision or its address, and lists its files. */
  findData(reference: string): Promise<void>;
  /** Downloads one file of the data set that was found, and reads its rows. */
  fetchData(path: string): Promise<void>;
  cancelData(): Promise<void>;
  dismissDataHubError(): void;
}

const empty: DataHubState = { lookingUp: null, found: null, fetching: null, error: null };

export const createDataHubSlice: SliceOf<DataHubSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<DataHubState>) =>
      set(({ dataHub }) => ({ dataHub: { ...dataHub, ...changes } }));
    return {
      dataHub: empty,
      async findData(reference) {
        if (get().dataHub.lookingUp !== null || reference.trim() === '') return;
        patch({ ...empty, lookingUp: reference.trim() });
        try {
          await get().hubReady();
          patch({ found: await workers.hub.call.lookUpData(reference) });
        } catch (error) {
          patch({ error: noteOf(error) });
        } finally {
          patch({ lookingUp: null });
        }
      },
      async fetchData(path) {
        const { found, fetching } = get().dataHub;
        if (!found || fetching || isTraining(get())) return;
        patch({ fetching: { path, progress: null }, error: null });
        let ended = false;
        try {
          const { cancelled } = await workers.hub.call.downloadData(
            found,
            path,
            (progress) => !ended && patch({ fetching: { path, progress } }),
            () => undefined,
          );
          ended = true;
          patch({ fetching: null });
          if (cancelled) return;
          const { host, repo, commit } = found;
          const name = `${repo.replace(/^datasets\//, '')}/${path}`;
          await get().openDataset({ kind: 'cached', name, host, repo, commit, path });
        } catch (error) {
          ended = true;
          patch({ fetching: null, error: noteOf(error) });
        } finally {
          void get().refreshStorage();
        }
      },
      async cancelData() {
        await workers.hub.call.cancelDownload('data').catch(() => null);
      },
      dismissDataHubError: () => patch({ error: null }),
    };
  };
