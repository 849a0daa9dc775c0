import type { Recipe } from '../config/recipe.ts';
import { GraftError } from '../lib/errors.ts';
import type {
  MemoryPlan,
  ModelSource,
  Preparation,
  Profile,
  Phase,
  Progress,
  TrainEvent,
  TrainOutcome,
} from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { emptyExporting } from './exporting.ts';
import { busyWith, type SliceOf } from './state.ts';

export interface RunState {
  status: 'idle' | 'preparing' | 'running' | 'stopping' | 'done' | 'failed';
  /** What the engine is at; null where it trains or rests. */
  phase: Phase | null;
  /** Weights on their way to the GPU. */
  loading: Progress | null;
  totalSteps: number;
  trainableParameters: number;
  /** What the memory plan said of it before it began. */
  plan: MemoryPlan | null;
  /** Rows kept for evaluation. */
  evalRows: number;
  /** The recipe as it was when the run began. */
  recipe: Recipe | null;
  outcome: TrainOutcome | null;
  /** How long it took from the beginning to the end of the first step, and what of that came before it. */
  firstStep: { seconds: number; preparation: Preparation } | null;
  /** Whether a step is to be timed, and the last that was. */
  profiling: boolean;
  profile: { step: number; profile: Profile } | null;
  profileError: ErrorNote | null;
  /** Why its 4-bit weights were not kept for the next time. */
  notKept: string | null;
  error: ErrorNote | null;
}

/** The adapter that the engine holds. */
export type Adapter = { saved: boolean } & (
  { origin: 'trained'; steps: number } | { origin: 'opened'; name: string; rank: number; modules: number }
);

/** Something that would lose an unsaved adapter or a download, waiting for a yes. */
export type Question = { proceed: () => void } & (
  { kind: 'discard' | 'retrain' } | { kind: 'remove'; repo: string; bytes: number }
);

/** A moment worth saying aloud to someone who doesn't see the page. */
export type Milestone =
  | { kind: 'modelReady'; name: string }
  | { kind: 'modelsFound'; found: number }
  | { kind: 'downloadDone'; name: string }
  | { kind: 'dataReady'; rows: number }
  | { kind: 'trainingStarted'; steps: number }
  | { kind: 'trainingProgress'; percent: number; loss: number }
  | { kind: 'trainingDone'; steps: number; loss: number }
  | { kind: 'trainingFailed' }
  | { kind: 'profileDone'; step: number }
  | { kind: 'answersDone' }
  | { kind: 'benchmarkDone' }
  | { kind: 'exportDone'; name: string }
  | { kind: 'pushDone'; name: string };

export interface RunSlice {
  run: RunState;
  adapter: Adapter | null;
  openingAdapter: boolean;
  adapterError: ErrorNote | null;
  question: Question | null;
  milestone: Milestone | null;
  /** Trains by the recipe, after asking when that would discard an adapter that was not saved. */
  train(): Promise<void>;
  /** Ends the training after its current step; the adapter is kept. */
  stopTraining(): Promise<void>;
  /** Has the next step timed on the GPU. */
  profileStep(): Promise<void>;
  dismissProfileError(): void;
  dismissRunError(): void;
  /** Loads a PEFT folder, after asking as above. */
  openAdapter(source: ModelSource): Promise<void>;
  refuseAdapter(error: unknown): void;
  dismissAdapterError(): void;
  answerQuestion(yes: boolean): void;
  announce(milestone: Milestone): void;
  /** Called when the engine's worker or device is lost: what it held is gone, the page keeps the rest. */
  engineLost(error: unknown): void;
}

export const emptyRun: RunState = {
  status: 'idle',
  phase: null,
  loading: null,
  totalSteps: 0,
  trainableParameters: 0,
  plan: null,
  evalRows: 0,
  recipe: null,
  outcome: null,
  firstStep: null,
  profiling: false,
  profile: null,
  profileError: null,
  notKept: null,
  error: null,
};

export const createRunSlice: SliceOf<RunSlice> =
  ({ workers, metrics }) =>
  (set, get) => {
    const patch = (changes: Partial<RunState>) => set(({ run }) => ({ run: { ...run, ...changes } }));

    const onEvent = (event: TrainEvent) => {
      switch (event.kind) {
        case 'phase':
          return patch({ phase: event.phase, loading: null });
        case 'loading':
          return patch({ phase: event.progress.phase, loading: event.progress });
        case 'notKept':
          return patch({ notKept: event.detail });
        case 'start':
          metrics.begin(event.totalSteps);
          patch({
            // The outcome comes by another port and may be first: a run that has ended stays ended.
            ...(get().run.status === 'preparing' && { status: 'running' as const }),
            phase: null,
            loading: null,
            totalSteps: event.totalSteps,
            trainableParameters: event.trainableParameters,
          });
          return get().announce({ kind: 'trainingStarted', steps: event.totalSteps });
        case 'firstStep':
          return patch({ firstStep: { seconds: event.seconds, preparation: event.preparation } });
        case 'profile':
          patch({ profiling: false, profile: { step: event.step, profile: event.profile } });
          return get().announce({ kind: 'profileDone', step: event.step });
        case 'eval':
          return metrics.pushEvaluation(event.step, event.loss);
        case 'step': {
          metrics.push(event);
          const quarter = (step: number) => Math.floor((step * 4) / Math.max(1, get().run.totalSteps));
          const reached = quarter(event.step);
          if (reached > quarter(event.step - 1) && reached < 4) {
            get().announce({ kind: 'trainingProgress', percent: reached * 25, loss: event.loss });
          }
        }
      }
    };

    const run = async () => {
      const recipe = get().recipe.draft;
      metrics.reset();
      const { plan, planning } = get().memory;
      set({
        run: { ...emptyRun, status: 'preparing', recipe, plan: planning ? null : plan },
        adapter: null,
        exporting: emptyExporting,
      });
      get().forgetAnswers();
      try {
        const { train, evaluation } = await workers.data.call.rows();
        // Stopped before there was anything to stop.
        if (get().run.status === 'stopping') return set({ run: emptyRun });
        patch({ evalRows: evaluation ? evaluation.offsets.length - 1 : 0 });
        const outcome = await workers.engine.call.train(
          recipe,
          get().dataset.address,
          train,
          evaluation,
          onEvent,
        );
        patch({ status: 'done', outcome });
        set({ adapter: { origin: 'trained', saved: false, steps: outcome.steps } });
        void get().askSizes();
        // A QLoRA run leaves 4-bit weights there.
        if (get().stored.report) void get().refreshStorage();
        get().announce({ kind: 'trainingDone', steps: outcome.steps, loss: outcome.finalLoss });
      } catch (error) {
        patch({ status: 'failed', error: noteOf(error) });
        // A run that diverged keeps the adapter of its last good step.
        if (error instanceof GraftError && error.code === 'train.diverged' && metrics.length > 0) {
          set({ adapter: { origin: 'trained', saved: false, steps: metrics.length } });
          void get().askSizes();
        }
        get().announce({ kind: 'trainingFailed' });
      } finally {
        patch({ profiling: false });
        metrics.flush();
      }
    };

    const open = async (source: ModelSource) => {
      set({ openingAdapter: true, adapterError: null });
      try {
        const { rank, modules } = await workers.engine.call.openAdapter(source);
        set({
          adapter: { origin: 'opened', saved: true, name: source.name, rank, modules },
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

    const unlessUnsaved = async (kind: 'discard' | 'retrain', action: () => Promise<void>) => {
      const { adapter } = get();
      if (adapter && !adapter.saved) set({ question: { kind, proceed: () => void action() } });
      else await action();
    };

    return {
      run: emptyRun,
      adapter: null,
      openingAdapter: false,
      adapterError: null,
      question: null,
      milestone: null,
      async train() {
        if (!busyWith(get())) await unlessUnsaved('retrain', run);
      },
      async stopTraining() {
        const { status } = get().run;
        if (status !== 'preparing' && status !== 'running') return;
        patch({ status: 'stopping' });
        try {
          await workers.engine.call.stopTraining();
        } catch (error) {
          patch({ status, error: noteOf(error) });
        }
      },
      async profileStep() {
        if (get().run.status !== 'running') return;
        patch({ profiling: true, profileError: null });
        try {
          await workers.engine.call.profileStep();
        } catch (error) {
          patch({ profiling: false, profileError: noteOf(error) });
        }
      },
      dismissProfileError: () => patch({ profileError: null }),
      dismissRunError: () => patch({ error: null }),
      async openAdapter(source) {
        if (!busyWith(get())) await unlessUnsaved('discard', () => open(source));
      },
      refuseAdapter: (error) => set({ adapterError: noteOf(error) }),
      dismissAdapterError: () => set({ adapterError: null }),
      answerQuestion(yes) {
        const { question } = get();
        set({ question: null });
        if (yes) question?.proceed();
      },
      announce: (milestone) => set({ milestone }),
      engineLost(error) {
        const { model } = get();
        if (!model.summary) return;
        set({
          model: { ...model, status: 'none', summary: null, tokenizer: 'none', error: noteOf(error) },
          adapter: null,
        });
      },
    };
  };
