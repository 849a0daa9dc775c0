import { GraftError } from '../lib/errors.ts';
import type {
  AdapterDtype,
  ExportSizes,
  MergeDestination,
  MergeLosses,
  MergeOutcome,
  MergeSettings,
  Progress,
} from '../workers/protocol.ts';
import { busyWith, isWholeModel, type SliceOf, type Studio } from './state.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';

type Status = 'idle' | 'working' | 'done' | 'failed';

/** How the merged weights are stored: as the model's own, or quantized to 4 bits. */
export const mergeResults = ['floats', 'nf4', 'nf4Nested'] as const;
export type MergeResult = (typeof mergeResults)[number];

/** Sizes of shards a person can choose, as max_shard_size writes them (decimal megabytes). */
export const shardSizes = ['1000MB', '2000MB', '4096MB', '10000MB'] as const;
export type ShardSize = (typeof shardSizes)[number];

/** What a person chooses of what they take away. */
export interface ExportChoices {
  adapterDtype: AdapterDtype;
  /** Counts where there is a choice: see `mergeBase`. */
  onto: MergeSettings['onto'];
  result: MergeResult;
  shardSize: ShardSize;
}

export interface ExportState {
  /** Null until they are known. */
  sizes: ExportSizes | null;
  measuring: boolean;
  /** The losses on the weights it can be merged onto, once they are measured. */
  losses: MergeLosses | null;
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

export interface ExportSlice {
  exporting: ExportState;
  exportChoices: ExportChoices;
  chooseExport(changes: Partial<ExportChoices>): void;
  /** Finds out how large each choice would be. */
  askSizes(): Promise<void>;
  /** Measures the losses between which the weights to merge onto are chosen. */
  measureMerges(): Promise<void>;
  exportAdapter(): Promise<void>;
  merge(destination: MergeDestination): Promise<void>;
  /** Ends the merge under way; what it had written is no model, and the same merge goes on from it. */
  cancelMerge(): Promise<void>;
  dismissExportError(): void;
}

export const emptyExporting: ExportState = {
  sizes: null,
  measuring: false,
  losses: null,
  adapterStatus: 'idle',
  adapterFile: null,
  adapterError: null,
  mergeStatus: 'idle',
  mergeProgress: null,
  merged: null,
  folder: null,
  mergeError: null,
};

/**
 * What the adapter is merged onto. `choice`: it was trained by QLoRA on a model that comes in 16 bits, and may go onto
 * either; else there is one way, `dequantized` where the model itself comes in 4 bits.
 */
export function mergeBase({
  model,
  adapter,
}: Pick<Studio, 'model' | 'adapter'>): 'choice' | MergeSettings['onto'] {
  if (model.summary?.quantized) return 'dequantized';
  return adapter?.origin === 'trained' && adapter.method === 'qlora' ? 'choice' : 'original';
}

/** How a merged model is made by what the person has chosen. */
export function mergeSettings(state: Studio): Omit<MergeSettings, 'ends'> {
  const { onto, result, shardSize } = state.exportChoices;
  const base = mergeBase(state);
  // A model that was trained whole is written as its base is.
  const floats = result === 'floats' || isWholeModel(state);
  return {
    maxShardSize: shardSize,
    onto: base === 'choice' ? onto : base,
    quantize: floats ? null : { doubleQuant: result === 'nf4Nested' },
  };
}

export const createExportSlice: SliceOf<ExportSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<ExportState>) =>
      set(({ exporting }) => ({ exporting: { ...exporting, ...changes } }));
    const markSaved = () => set(({ adapter }) => ({ adapter: adapter && { ...adapter, saved: true } }));

    return {
      exporting: emptyExporting,
      exportChoices: { adapterDtype: 'F32', onto: 'original', result: 'floats', shardSize: '4096MB' },
      chooseExport: (changes) => set({ exportChoices: { ...get().exportChoices, ...changes } }),
      async askSizes() {
        const sizes = await workers.engine.call.exportSizes().catch(() => null);
        // What can't be planned can't be merged either: the merge will say why.
        if (get().adapter) patch({ sizes });
      },
      async measureMerges() {
        if (busyWith(get())) return;
        patch({ measuring: true, mergeError: null });
        try {
          patch({ losses: await workers.engine.call.measureMerges() });
        } catch (error) {
          patch({ mergeError: noteOf(error) });
        } finally {
          patch({ measuring: false });
        }
      },
      async exportAdapter() {
        if (busyWith(get())) return;
        patch({ adapterStatus: 'working', adapterFile: null, adapterError: null });
        try {
          const { adapterDtype } = get().exportChoices;
          const ends = await get().trainedEnds();
          const adapterFile = await workers.engine.call.exportAdapter(adapterDtype, ends);
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
          const settings = { ...mergeSettings(get()), ends: await get().trainedEnds() };
          const merged = await workers.engine.call.merge(destination, settings, (mergeProgress) =>
            patch({ mergeProgress }),
          );
          patch({ mergeStatus: 'done', merged, losses: merged.losses, mergeProgress: null });
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
