import type { HubModelFacts } from '../../hosts/browser/hubProtocol.ts';
import type { ModelSource, ModelSummary } from '../../hosts/browser/protocol.ts';
import { noteOf } from './errorNote.ts';
import { emptyExporting } from './state/exporting.ts';
import { emptyRun } from './state/run.ts';
import { busyWith, isReadOnly, isUnsaved, type SliceOf } from './state.ts';
import { emptyModel, type ModelState, type ModelSlice } from './state/model.ts';

export const createModelSlice: SliceOf<ModelSlice> =
  ({ workers, metrics }) =>
  (set, get) => {
    const patch = (changes: Partial<ModelState>) => set(({ model }) => ({ model: { ...model, ...changes } }));

    /** Of the openings so far: the engine may be lost, and another one begin, before one has ended. */
    let openings = 0;

    const open = async (
      source: ModelSource,
      hub: HubModelFacts | null,
      handle: FileSystemDirectoryHandle | null,
    ) => {
      const before = get().model;
      const opening = ++openings;
      /** Whether the engine still has what it opened, and what was open before. */
      const isCurrent = () => opening === openings && get().model.status === 'opening';
      patch({ status: 'opening', opening: source.name, error: null, tokenizerError: null });
      try {
        const summary = await workers.engine.call.openModel(source);
        const tokenizer = await openTokenizer(source, summary);
        // Lost meanwhile: it says so itself.
        if (!isCurrent()) return;
        if (source.kind !== 'bundled') get().leaveExample('model');
        reset({ ...emptyModel, status: 'ready', source, summary, hub, handle, ...tokenizer });
        get().announce({ kind: 'modelReady', name: summary.name });
        void get().tokenize();
      } catch (error) {
        if (!isCurrent()) return;
        // A model that could not be opened leaves the previous one open.
        if (before.summary !== null) set({ model: { ...before, error: noteOf(error) } });
        else {
          const { source, hub, handle } = before;
          reset({ ...emptyModel, source, hub, handle, error: noteOf(error) });
        }
      }
    };

    /** Another model, or none: resets everything that belongs to the previous one. */
    const reset = (model: ModelState) => {
      set({
        model,
        run: emptyRun,
        adapter: null,
        shelf: [],
        // Each answer names who gave it, so the conversation stays.
        tryout: { ...get().tryout, checkpoints: [], fit: null, failed: null, loading: null, same: false },
        exporting: emptyExporting,
      });
      metrics.reset();
      get().forgetTokens();
      get().closeSearch();
    };

    const openTokenizer = async (source: ModelSource, { vocabSize }: ModelSummary) => {
      try {
        const opened = await workers.data.call.openTokenizer(source, vocabSize);
        return {
          tokenizer: opened === null ? 'none' : opened.fallbackTemplate ? 'fallback' : 'model',
        } as const;
      } catch (error) {
        return { tokenizer: 'none', tokenizerError: noteOf(error) } as const;
      }
    };

    return {
      model: emptyModel,
      async chooseModel(source, hub, handle) {
        if (busyWith(get()) || isReadOnly(get())) return;
        const given = handle ?? (source.kind === 'directory' ? source.handle : null);
        await get().unlessUnsaved('discard', () => open(source, hub ?? null, given));
      },
      async reopenModel() {
        const { source, hub, handle } = get().model;
        if (source && !busyWith(get())) await open(source, hub, handle);
      },
      closeModel: () => reset(emptyModel),
      forgetRun() {
        if (isUnsaved(get())) return;
        set({ run: emptyRun, adapter: null, exporting: emptyExporting });
        metrics.reset();
      },
      refuseModel: (error) => patch({ error: noteOf(error) }),
      dismissModelError: () => patch({ error: null, tokenizerError: null }),
    };
  };
