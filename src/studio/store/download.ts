import type { HubModelFacts } from '../../hosts/browser/hubProtocol.ts';
import { noteOf } from './errorNote.ts';
import { sourceOf } from './hub.ts';
import { busyWith, type SliceOf } from './state.ts';
import { emptyDownload, isDownloading, type DownloadState, type DownloadSlice } from './state/download.ts';

/** Interval of checks whether the engine is idle, in ms. */
const PAUSE = 250;

export const createDownloadSlice: SliceOf<DownloadSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<DownloadState>) =>
      set(({ download }) => ({ download: { ...download, ...changes } }));

    /** Opens the download in place of the remote model, unless another model was chosen meanwhile. */
    const open = async (facts: HubModelFacts) => {
      const isOpen = () => get().model.hub?.commit === facts.commit && get().model.source?.kind === 'hub';
      while (isOpen() && busyWith(get())) await new Promise((resolve) => setTimeout(resolve, PAUSE));
      if (!isOpen()) return;
      const here = { ...facts, complete: true, bytesHere: facts.bytes, begun: false };
      await get().chooseModel(sourceOf(here), here);
    };

    return {
      download: emptyDownload,
      async downloadModel() {
        const facts = get().model.hub;
        if (!facts || facts.complete || isDownloading(get())) return;
        set({ download: { ...emptyDownload, status: 'running', model: facts } });
        let ended = false;
        try {
          const { cancelled } = await workers.hub.call.download(
            facts,
            (progress) => {
              // Progress and the outcome use different ports: progress may arrive later.
              if (ended) return;
              const { status } = get().download;
              patch({ progress, status: status === 'waiting' ? 'running' : status });
            },
            () => !ended && patch({ status: 'waiting' }),
          );
          ended = true;
          if (cancelled) return patch({ status: 'stopped' });
          set({ download: emptyDownload });
          get().announce({ kind: 'downloadDone', name: facts.repo });
          await open(facts);
        } catch (error) {
          ended = true;
          patch({ status: 'failed', error: noteOf(error) });
        } finally {
          void get().refreshStorage();
        }
      },
      async cancelDownload() {
        if (!isDownloading(get())) return;
        patch({ status: 'stopping' });
        await workers.hub.call.cancelDownload('model').catch(() => null);
      },
      dismissDownload: () => {
        if (!isDownloading(get())) set({ download: emptyDownload });
      },
    };
  };
