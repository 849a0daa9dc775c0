import { noteOf } from './errorNote.ts';
import { isTraining, type SliceOf } from './state.ts';
import { emptyDataHub, type DataHubState, type DataHubSlice } from './state/dataHub.ts';

export const createDataHubSlice: SliceOf<DataHubSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<DataHubState>) =>
      set(({ dataHub }) => ({ dataHub: { ...dataHub, ...changes } }));
    return {
      dataHub: emptyDataHub,
      async findData(reference) {
        if (get().dataHub.lookingUp !== null || reference.trim() === '') return;
        patch({ ...emptyDataHub, lookingUp: reference.trim() });
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
