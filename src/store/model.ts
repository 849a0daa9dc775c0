import type { HubModelFacts } from '../workers/hubProtocol.ts';
import type { ModelSource, ModelSummary } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { emptyExporting } from './exporting.ts';
import { emptyRun } from './run.ts';
import { busyWith, type SliceOf } from './state.ts';
import { emptyTryout } from './tryout.ts';

export interface ModelState {
  status: 'none' | 'opening' | 'ready';
  /** The folder that is open, or was open last. */
  source: ModelSource | null;
  /** Name of the folder that is being opened. */
  opening: string;
  summary: ModelSummary | null;
  /** What its Hub says of it; null for files of the person's own. */
  hub: HubModelFacts | null;
  /** `fallback`: the model has no chat template, a plain one is used. */
  tokenizer: 'none' | 'model' | 'fallback';
  error: ErrorNote | null;
  /** A tokenizer that could not be read; the model itself is open. */
  tokenizerError: ErrorNote | null;
}

export interface ModelSlice {
  model: ModelState;
  /** Opens a model, after asking when that would discard an adapter that was not saved. */
  chooseModel(source: ModelSource, hub?: HubModelFacts): Promise<void>;
  /** Opens the model of before again, after its worker was lost. */
  reopenModel(): Promise<void>;
  /** Shows why a choice could not even be opened; what is open stays. */
  refuseModel(error: unknown): void;
  dismissModelError(): void;
}

export const emptyModel: ModelState = {
  status: 'none',
  source: null,
  opening: '',
  summary: null,
  hub: null,
  tokenizer: 'none',
  error: null,
  tokenizerError: null,
};

export const createModelSlice: SliceOf<ModelSlice> =
  ({ workers, metrics }) =>
  (set, get) => {
    const patch = (changes: Partial<ModelState>) => set(({ model }) => ({ model: { ...model, ...changes } }));

    const open = async (source: ModelSource, hub: HubModelFacts | null) => {
      const before = get().model;
      patch({ status: 'opening', opening: source.name, error: null, tokenizerError: null });
      try {
        const summary = await workers.engine.call.openModel(source);
        const tokenizer = await openTokenizer(source, summary);
        reset({ ...emptyModel, status: 'ready', source, summary, hub, ...tokenizer });
        get().announce({ kind: 'modelReady', name: summary.name });
        void get().tokenize();
      } catch (error) {
        // A model that could not be opened leaves the one of before.
        if (before.summary !== null) set({ model: { ...before, error: noteOf(error) } });
        else reset({ ...emptyModel, source: before.source, hub: before.hub, error: noteOf(error) });
      }
    };

    /** Another model, or none: what was made with the one of before belongs to it. */
    const reset = (model: ModelState) => {
      set({
        model,
        run: emptyRun,
        adapter: null,
        tryout: { ...emptyTryout, request: get().tryout.request },
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
      async chooseModel(source, hub) {
        if (busyWith(get())) return;
        await get().unlessUnsaved('discard', () => open(source, hub ?? null));
      },
      async reopenModel() {
        const { source, hub } = get().model;
        if (source && !busyWith(get())) await open(source, hub);
      },
      refuseModel: (error) => patch({ error: noteOf(error) }),
      dismissModelError: () => patch({ error: null, tokenizerError: null }),
    };
  };
