import { GraftError } from '../../base/lib/errors.ts';
import { floatDtypes, type MergeRequest } from '../../hosts/browser/protocol.ts';
import { busyWith, isWholeModel, type SliceOf, type Studio } from './state.ts';
import { noteOf } from './errorNote.ts';
import { forgetMerge, interruptedMerge, noteMerge } from './interruptedMerge.ts';
import { emptyExporting, type ExportState, type ExportSlice } from './state/exporting.ts';

/**
 * The weights the adapter is merged onto. `choice`: it was trained by QLoRA on a 16-bit model, and may be merged onto
 * either; otherwise there is one way, `dequantized` if the model itself has 4-bit weights.
 */
export function mergeBase({
  model,
  adapter,
}: Pick<Studio, 'model' | 'adapter'>): 'choice' | MergeRequest['onto'] {
  if (model.summary?.quantized) return 'dequantized';
  return adapter?.origin === 'trained' && adapter.method === 'qlora' ? 'choice' : 'original';
}

/** How a merged model is made by what the person has chosen. */
export function mergeSettings(state: Studio): Omit<MergeRequest, 'ends'> {
  const { onto, result, shardSize } = state.exportChoices;
  const base = mergeBase(state);
  // A fully trained model is written in floats.
  const isFloats = !result.startsWith('nf4') || isWholeModel(state);
  return {
    maxShardSize: shardSize,
    onto: base === 'choice' ? onto : base,
    floats: floatDtypes.find((dtype) => dtype === result) ?? null,
    quantize: isFloats ? null : { doubleQuant: result === 'nf4Nested' },
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
      exportChoices: {
        use: null,
        adapterDtype: 'F32',
        onto: 'original',
        result: 'floats',
        shardSize: '4096MB',
        gguf: { form: 'file', type: 'q8_0' },
      },
      interruptedMerge: null,
      async findInterruptedMerge() {
        set({ interruptedMerge: await interruptedMerge() });
      },
      forgetInterruptedMerge() {
        forgetMerge();
        set({ interruptedMerge: null });
      },
      chooseExport: (changes) => set({ exportChoices: { ...get().exportChoices, ...changes } }),
      async askSizes() {
        const sizes = await workers.engine.call.exportSizes().catch(() => null);
        // If it can't be planned it can't be merged either: the merge will report why.
        if (get().adapter) patch({ sizes });
        const forecasts = workers.engine.call.ggufForecasts();
        const ggufForecasts = await forecasts.catch((error: unknown) => ({ error: noteOf(error) }));
        if (get().adapter) patch({ ggufForecasts });
        const usage = await get()
          .trainedEnds()
          .then((ends) => workers.engine.call.usageFacts(ends))
          .catch(() => null);
        if (get().adapter) patch({ usage });
      },
      async exportGguf(handle) {
        if (busyWith(get())) return;
        const folder = handle?.name ?? null;
        patch({
          mergeStatus: 'working',
          gguf: null,
          merged: null,
          mergeProgress: null,
          mergeError: null,
          folder,
        });
        try {
          const { form, type } = get().exportChoices.gguf;
          const { onto } = mergeSettings(get());
          const ends = await get().trainedEnds();
          const chat = form === 'ollama' ? await get().chatParts() : null;
          const request = { form, type, onto, ends, chat };
          const gguf = await workers.engine.call.exportGguf(handle, request, (mergeProgress) =>
            patch({ mergeProgress }),
          );
          patch({ mergeStatus: 'done', gguf, mergeProgress: null });
          markSaved();
          get().announce({ kind: 'exportDone', name: gguf.file?.name ?? folder ?? '' });
        } catch (error) {
          const cancelled = error instanceof GraftError && error.code === 'merge.cancelled';
          patch({
            mergeStatus: cancelled ? 'idle' : 'failed',
            mergeProgress: null,
            mergeError: cancelled ? null : noteOf(error),
          });
        }
      },
      async measureMerges() {
        if (busyWith(get())) return;
        patch({ measuring: 'merges', mergeError: null });
        try {
          patch({ losses: await workers.engine.call.measureMerges() });
        } catch (error) {
          patch({ mergeError: noteOf(error) });
        } finally {
          patch({ measuring: null });
        }
      },
      async compareDtypes() {
        if (busyWith(get())) return;
        patch({ measuring: 'dtypes', mergeError: null });
        try {
          const { onto } = mergeSettings(get());
          const found = await workers.engine.call.compareDtypes(onto);
          patch({ comparison: found && { ...found, onto } });
        } catch (error) {
          patch({ mergeError: noteOf(error) });
        } finally {
          patch({ measuring: null });
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
        patch({
          mergeStatus: 'working',
          merged: null,
          gguf: null,
          mergeProgress: null,
          mergeError: null,
          folder,
        });
        const { adapter } = get();
        const stored = adapter?.origin === 'trained' && adapter.run !== null;
        const run = stored ? { id: adapter.run!, step: adapter.steps } : null;
        const ended = noteMerge({ folder, run });
        set({ interruptedMerge: null });
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
        } finally {
          ended();
        }
      },
      async cancelMerge() {
        // A merge that can no longer be cancelled ends by itself, and reports its own outcome.
        await workers.engine.call.cancelMerge().catch(() => null);
      },
      dismissExportError: () => patch({ adapterError: null, mergeError: null }),
    };
  };
