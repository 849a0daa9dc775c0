import type { Recipe } from '../config/recipe.ts';
import type { ModelSource } from '../workers/protocol.ts';
import { thrownOf } from '../workers/result.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { emptyExporting } from './exporting.ts';
import { busyWith, isTraining, isUnsaved, type SliceOf } from './state.ts';

/** What the engine holds beside the model: an adapter, or with method "full" a model of which every parameter was trained. */
export type Adapter = { saved: boolean } & (
  | {
      origin: 'trained';
      /** The step whose parameters these are. */
      steps: number;
      /** The stored run that has them as a checkpoint: then they are not lost with the tab. */
      run: string | null;
      /** With "full" there is no adapter to take away, and no strength to set. */
      method: Recipe['method'];
    }
  | { origin: 'opened'; name: string; rank: number; modules: number; warnings: ErrorNote[] }
);

/** Something that would lose an unsaved adapter, a run or a download, waiting for a yes. */
export type Question = { proceed: () => void } & (
  | { kind: 'discard' | 'retrain' }
  | { kind: 'remove'; repo: string; bytes: number }
  | { kind: 'removeRun'; name: string }
);

export interface AdapterSlice {
  adapter: Adapter | null;
  openingAdapter: boolean;
  adapterError: ErrorNote | null;
  question: Question | null;
  /** Loads a PEFT folder, after asking when that would discard an adapter that was not saved. */
  openAdapter(source: ModelSource): Promise<void>;
  refuseAdapter(error: unknown): void;
  dismissAdapterError(): void;
  /** Does something that takes the adapter away: at once where it is saved, else after a yes, which is for all it does. */
  unlessUnsaved(kind: 'discard' | 'retrain', action: () => Promise<void>): Promise<void>;
  answerQuestion(yes: boolean): void;
  /** Called when the engine's worker or device is lost: what it held is gone, the page keeps the rest. */
  engineLost(error: unknown): void;
}

export const createAdapterSlice: SliceOf<AdapterSlice> =
  ({ workers }) =>
  (set, get) => {
    /** What is being done after a yes. */
    let agreed = 0;

    const proceed = (action: () => Promise<void>) => {
      agreed += 1;
      void action().finally(() => (agreed -= 1));
    };

    const open = async (source: ModelSource) => {
      set({ openingAdapter: true, adapterError: null });
      try {
        const { rank, modules, warnings } = await workers.engine.call.openAdapter(source);
        const notes = warnings.map((warning) => noteOf(thrownOf(warning)));
        set({
          adapter: { origin: 'opened', saved: true, name: source.name, rank, modules, warnings: notes },
          exporting: emptyExporting,
        });
        get().forgetAnswers();
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
        if (!model.summary) return;
        // A training that is stored opens the model itself, and goes on.
        if (isTraining(get()) && run.id !== null) return set({ run: { ...run, modelLost: true } });
        set({ model: { ...model, status: 'none', summary: null, tokenizer: 'none', error: noteOf(error) } });
      },
    };
  };
