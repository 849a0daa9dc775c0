import { GraftError } from '../lib/errors.ts';
import type { MergeDestination, MergeOutcome, Progress } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { busyWith, type SliceOf } from './state.ts';

type Status = 'idle' | 'working' | 'done' | 'failed';

export interface ExportState {
  adapterStatus: Status;
  adapterFile: File | null;
  adapterError: ErrorNote | null;
  mergeStatus: Status;
  mergeProgress: Progress | null;
  merged: MergeOutcome | null;
  /** The folder the merged model was saved to; null for a zip. */
  folder: string | null;
  mergeError: ErrorNote | null;
}

/** Sizes of shards a person can choose, as max_shard_size writes them (decimal megabytes). */
export const shardSizes = ['1000MB', '2000MB', '4096MB', '10000MB'] as const;
export type ShardSize = (typeof shardSizes)[number];

export interface ExportSlice {
  exporting: ExportState;
  shardSize: ShardSize;
  setShardSize(size: ShardSize): void;
  exportAdapter(): Promise<void>;
  merge(destination: MergeDestination): Promise<void>;
  /** Ends the merge under way; what it had written is removed. */
  cancelMerge(): Promise<void>;
  dismissExportError(): void;
}

export const emptyExporting: ExportState = {
  adapterStatus: 'idle',
  adapterFile: null,
  adapterError: null,
  mergeStatus: 'idle',
  mergeProgress: null,
  merged: null,
  folder: null,
  mergeError: null,
};

export const createExportSlice: SliceOf<ExportSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<ExportState>) =>
      set(({ exporting }) => ({ exporting: { ...exporting, ...changes } }));
    const markSaved = () => set(({ adapter }) => ({ adapter: adapter && { ...adapter, saved: true } }));

    return {
      exporting: emptyExporting,
      shardSize: '4096MB',
      setShardSize: (shardSize) => set({ shardSize }),
      async exportAdapter() {
        if (busyWith(get())) return;
        patch({ adapterStatus: 'working', adapterFile: null, adapterError: null });
        try {
          const adapterFile = await workers.engine.call.exportAdapter();
          patch({ adapterStatus: 'done', adapterFile });
          markSaved();
          get().announce({ kind: 'exportDone', name: adapterFile.name });
        } catch (error) {
          patch({ adapterStatus: 'failed', adapterError: noteOf(error) });
        }
      },
      async merge(destination) {
        if (busyWith(get())) return;
        const folder = destination.kind === 'directory' ? destination.handle.name : null;
        patch({ mergeStatus: 'working', merged: null, mergeProgress: null, mergeError: null, folder });
        try {
          const merged = await workers.engine.call.merge(
            destination,
            { maxShardSize: get().shardSize, onto: 'original', quantize: null },
            (mergeProgress) => patch({ mergeProgress }),
          );
          patch({ mergeStatus: 'done', merged, mergeProgress: null });
          markSaved();
          get().announce({ kind: 'exportDone', name: merged.zip?.name ?? folder ?? '' });
        } catch (error) {
          const cancelled = error instanceof GraftError && error.code === 'merge.cancelled';
          patch({
            mergeStatus: cancelled ? 'idle' : 'failed',
            mergeProgress: null,
            mergeError: cancelled ? null : noteOf(error),
          });
        }
      },
      async cancelMerge() {
        // A merge that can't be cancelled any more ends by itself, and says how in its own place.
        await workers.engine.call.cancelMerge().catch(() => null);
      },
      dismissExportError: () => patch({ adapterError: null, mergeError: null }),
    };
  };
