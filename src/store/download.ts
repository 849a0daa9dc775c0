import type { DownloadProgress, HubModelFacts } from '../workers/hubProtocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { sourceOf } from './hub.ts';
import { busyWith, type SliceOf } from './state.ts';

export interface DownloadState {
  /** `waiting`: another tab downloads the same model. `stopped`: the person ended it; what arrived is kept. */
  status: 'idle' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed';
  /** The model that is downloaded, or was last. */
  model: HubModelFacts | null;
  progress: DownloadProgress | null;
  error: ErrorNote | null;
}

export interface DownloadSlice {
  download: DownloadState;
  /** Brings the open model of a Hub to this device, and opens it from there. */
  downloadModel(): Promise<void>;
  cancelDownload(): Promise<void>;
  dismissDownload(): void;
}

export const emptyDownload: DownloadState = { status: 'idle', model: null, progress: null, error: null };

/** Time between looks at whether the engine is free, in ms. */
const PAUSE = 250;

export const createDownloadSlice: SliceOf<DownloadSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<DownloadState>) =>
      set(({ download }) => ({ download: { ...download, ...changes } }));

    /** Opens the download in place of what was read from the Hub, unless another model was chosen meanwhile. */
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
              // Progress and the outcome come by different ports: progress may be the later.
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

/** Whether a download is under way. */
export function isDownloading({ download }: { download: DownloadState }): boolean {
  return ['running', 'waiting', 'stopping'].includes(download.status);
}
