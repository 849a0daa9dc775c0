import type { ModelSource } from '../../hosts/browser/protocol.ts';
import { errorOf } from '../../base/lib/errorFacts.ts';
import { noteOf } from './errorNote.ts';
import { emptyExporting } from './state/exporting.ts';
import { busyWith, isTraining, isUnsaved, type SliceOf } from './state.ts';
import type { AdapterSlice } from './state/adapter.ts';

export const createAdapterSlice: SliceOf<AdapterSlice> =
  ({ workers }) =>
  (set, get) => {
    /** The action after confirmation. */
    let agreed = 0;

    const proceed = (action: () => Promise<void>) => {
      agreed += 1;
      void action().finally(() => (agreed -= 1));
    };

    const open = async (source: ModelSource) => {
      set({ openingAdapter: true, adapterError: null });
      try {
        const { rank, modules, warnings } = await workers.engine.call.openAdapter(source);
        const notes = warnings.map((warning) => noteOf(errorOf(warning)));
        set({
          adapter: { origin: 'opened', saved: true, name: source.name, rank, modules, warnings: notes },
          exporting: emptyExporting,
        });
        void get().askSizes();
      } catch (error) {
        set({ adapterError: noteOf(error) });
      } finally {
        set({ openingAdapter: false });
      }
    };

    return {
      adapter: null,
      openingAdapter: false,
      adapterError: null,
      question: null,
      async openAdapter(source) {
        if (!busyWith(get())) await get().unlessUnsaved('discard', () => open(source));
      },
      refuseAdapter: (error) => set({ adapterError: noteOf(error) }),
      dismissAdapterError: () => set({ adapterError: null }),
      async unlessUnsaved(kind, action) {
        if (isUnsaved(get()) && agreed === 0) set({ question: { kind, proceed: () => proceed(action) } });
        else await action();
      },
      answerQuestion(yes) {
        const { question } = get();
        set({ question: null });
        if (yes) question?.proceed();
      },
      engineLost(error) {
        const { model, run } = get();
        set({ adapter: null });
        if (!model.summary && model.status !== 'opening') return;
        // Training of a stored run opens the model itself, and continues.
        if (isTraining(get()) && run.id !== null) return set({ run: { ...run, modelLost: true } });
        const lost = { status: 'none', opening: '', summary: null, tokenizer: 'none' } as const;
        set({ model: { ...model, ...lost, error: noteOf(error) } });
      },
    };
  };
