import type { Recipe } from '../config/recipe.ts';
import { GraftError, type ErrorCode } from '../lib/errors.ts';
import type {
  MemoryPlan,
  Phase,
  Preparation,
  Profile,
  Progress,
  SamplePrompt,
  TrainOutcome,
} from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { emptyExporting } from './exporting.ts';
import { runEvents } from './runEvents.ts';
import { busyWith, isTraining, type SliceOf } from './state.ts';

/** An answer to a prompt of the person's choice, as of a step. */
export interface Sample {
  step: number;
  prompt: string;
  text: string;
}

export interface RunState {
  /** `recovering`: the device or its worker was lost, and a stored run is about to go on. */
  status: 'idle' | 'preparing' | 'running' | 'stopping' | 'pausing' | 'recovering' | 'done' | 'failed';
  /** What is under way before the first step. */
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
  /** Its id among the stored runs; null where it is not stored. */
  id: string | null;
  /** Why it is not stored. */
  notStored: ErrorNote | null;
  /** The last step that is on disk, and when it was written (milliseconds since 1970). */
  checkpoint: { step: number; at: number } | null;
  /** A checkpoint found no room; training waits. */
  storageFull: { step: number; error: ErrorNote } | null;
  /** Where it went on, in this visit, and how many damaged checkpoints were passed over. */
  resumed: { step: number; passedOver: number } | null;
  /** How often it went on after a lost device or worker. */
  recoveries: number;
  samples: Sample[];
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

/** A moment worth saying aloud to someone who doesn't see the page. */
export type Milestone =
  | { kind: 'modelReady'; name: string }
  | { kind: 'modelsFound'; found: number }
  | { kind: 'downloadDone'; name: string }
  | { kind: 'dataReady'; rows: number }
  | { kind: 'trainingStarted'; steps: number }
  | { kind: 'trainingProgress'; percent: number; loss: number }
  | { kind: 'trainingDone'; steps: number; loss: number }
  | { kind: 'trainingPaused'; step: number }
  | { kind: 'trainingRecovers'; step: number }
  | { kind: 'trainingFailed' }
  | { kind: 'storageFull' }
  | { kind: 'profileDone'; step: number }
  | { kind: 'answersDone' }
  | { kind: 'benchmarkDone' }
  | { kind: 'exportDone'; name: string }
  | { kind: 'pushDone'; name: string };

export interface RunSlice {
  run: RunState;
  /** Prompts that are answered at each checkpoint of the next run. */
  samplePrompts: string[];
  milestone: Milestone | null;
  setSamplePrompts(prompts: string[]): void;
  /** Trains by the recipe, after asking when that would discard an adapter that was not saved. */
  train(): Promise<void>;
  /** Goes on with a stored run; its model must be open. */
  continueRun(id: string): Promise<void>;
  /** Ends the training after its current step; the adapter is kept. */
  stopTraining(): Promise<void>;
  /** Saves the run after its current step and ends it, to go on later. */
  pauseTraining(): Promise<void>;
  /** What to do about a checkpoint that found no room. */
  answerStorage(answer: 'again' | 'without'): Promise<void>;
  /** Has the next step timed on the GPU. */
  profileStep(): Promise<void>;
  dismissProfileError(): void;
  dismissRunError(): void;
  announce(milestone: Milestone): void;
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
  id: null,
  notStored: null,
  checkpoint: null,
  storageFull: null,
  resumed: null,
  recoveries: 0,
  samples: [],
  outcome: null,
  firstStep: null,
  profiling: false,
  profile: null,
  profileError: null,
  notKept: null,
  error: null,
};

/** What ends a worker or its device, and not a run: it goes on from its last checkpoint with others. */
const passing: ReadonlySet<ErrorCode> = new Set(['gpu.device_lost', 'workers.crashed']);
/** Recoveries without a step in between, after which going on is pointless; seconds between them grow twofold. */
const MOST_RECOVERIES = 5;

export const createRunSlice: SliceOf<RunSlice> =
  ({ workers, metrics }) =>
  (set, get) => {
    const patch = (changes: Partial<RunState>) => set(({ run }) => ({ run: { ...run, ...changes } }));
    const onEvent = runEvents({ metrics, patch, get });

    const begin = (changes: Partial<RunState>) => {
      metrics.reset();
      set({
        run: { ...emptyRun, status: 'preparing', ...changes },
        adapter: null,
        exporting: emptyExporting,
      });
      get().forgetAnswers();
    };

    /** Trains, and where the device or the worker is lost goes on with the stored run until it ends. */
    const follow = async (start: () => Promise<TrainOutcome>) => {
      let attempts = 0;
      let lastStep = -1;
      for (let work = start; ; work = () => resumeAfterLoss(attempts)) {
        try {
          return await work();
        } catch (error) {
          const { id } = get().run;
          const goesOn = error instanceof GraftError && passing.has(error.code) && id !== null;
          if (!goesOn) throw error;
          const step = get().run.checkpoint?.step ?? 0;
          attempts = step > lastStep ? 1 : attempts + 1;
          lastStep = step;
          if (attempts > MOST_RECOVERIES) throw error;
          patch({
            status: 'recovering',
            loading: null,
            storageFull: null,
            recoveries: get().run.recoveries + 1,
          });
          get().announce({ kind: 'trainingRecovers', step });
        }
      }
    };

    const resumeAfterLoss = async (attempt: number): Promise<TrainOutcome> => {
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
      const { source } = get().model;
      const { id } = get().run;
      if (!source || id === null) throw new GraftError('workers.restarted', { reason: 'no model' });
      await workers.engine.call.openModel(source);
      return workers.engine.call.resumeRun(id, onEvent);
    };

    const finish = async (working: Promise<TrainOutcome>) => {
      try {
        const outcome = await working;
        patch({ status: 'done', outcome });
        const { id, recipe } = get().run;
        const isModel = recipe?.method === 'full';
        set({ adapter: { origin: 'trained', saved: false, steps: outcome.steps, run: id, isModel } });
        void get().askSizes();
        // A QLoRA run leaves 4-bit weights there.
        if (get().stored.report) void get().refreshStorage();
        const told = { steps: outcome.steps, step: outcome.steps, loss: outcome.finalLoss };
        get().announce({ kind: outcome.ended === 'paused' ? 'trainingPaused' : 'trainingDone', ...told });
      } catch (error) {
        patch({ status: 'failed', error: noteOf(error) });
        // A run that diverged keeps the adapter of its last good step.
        if (error instanceof GraftError && error.code === 'train.diverged' && metrics.length > 0) {
          const { id: run, recipe } = get().run;
          const isModel = recipe?.method === 'full';
          set({ adapter: { origin: 'trained', saved: false, steps: metrics.length, run, isModel } });
          void get().askSizes();
        }
        get().announce({ kind: 'trainingFailed' });
      } finally {
        patch({ profiling: false, storageFull: null });
        metrics.flush();
        void get().refreshRuns();
      }
    };

    const samplesOf = async (): Promise<SamplePrompt[]> => {
      const samples: SamplePrompt[] = [];
      // A model without a tokenizer trains on tokens alone, and answers nothing.
      if (get().model.tokenizer === 'none') return samples;
      for (const text of get()
        .samplePrompts.map((prompt) => prompt.trim())
        .filter(Boolean)) {
        const messages = [{ role: 'user' as const, content: text }];
        samples.push({ text, ids: await workers.data.call.promptIds({ kind: 'chat', messages }) });
      }
      return samples;
    };

    const run = async () => {
      const recipe = get().recipe.draft;
      const { plan, planning } = get().memory;
      begin({ recipe, plan: planning ? null : plan });
      const beginning = async (): Promise<TrainOutcome> => {
        const { train, evaluation } = await workers.data.call.rows();
        patch({ evalRows: evaluation ? evaluation.offsets.length - 1 : 0 });
        const { address, summary, changes } = get().dataset;
        const { edited, excluded } = changes;
        const name = summary?.name ?? address;
        const samples = await samplesOf();
        const request = {
          ...{ recipe, name, dataFile: address, rows: train, evalRows: evaluation, samples },
          ...(edited + excluded > 0 && { changes: { edited, excluded } }),
        };
        const training = workers.engine.call.train(request, onEvent);
        // Stopped before there was anything to stop.
        if (get().run.status === 'stopping') void workers.engine.call.stopTraining();
        return training;
      };
      await finish(follow(beginning));
    };

    const end = async (status: 'stopping' | 'pausing', call: () => Promise<null>) => {
      const before = get().run.status;
      if (before !== 'preparing' && before !== 'running') return;
      patch({ status });
      try {
        await call();
      } catch (error) {
        patch({ status: before, error: noteOf(error) });
      }
    };

    return {
      run: emptyRun,
      samplePrompts: [],
      milestone: null,
      setSamplePrompts: (samplePrompts) => set({ samplePrompts }),
      async train() {
        if (!busyWith(get())) await get().unlessUnsaved('retrain', run);
      },
      async continueRun(id) {
        if (busyWith(get()) || isTraining(get())) return;
        await get().unlessUnsaved('retrain', async () => {
          const entry = get().runs.entries.find((one) => one.id === id)?.head;
          begin({
            ...(entry && { recipe: entry.recipe, evalRows: entry.data.evalRows }),
            id,
          });
          try {
            const { curves } = await workers.engine.call.runDetail(id);
            metrics.restore(curves, entry?.progress.totalSteps ?? 0);
            patch({ samples: curves.filter((record) => record.kind === 'sample') });
          } catch {
            // The curve begins here, then; what is wrong with the run is told by going on with it.
          }
          await finish(follow(() => workers.engine.call.resumeRun(id, onEvent)));
        });
      },
      stopTraining: () => end('stopping', () => workers.engine.call.stopTraining()),
      pauseTraining: () => end('pausing', () => workers.engine.call.pauseTraining()),
      async answerStorage(answer) {
        patch({ storageFull: null });
        await workers.engine.call.answerStorage(answer);
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
      announce: (milestone) => set({ milestone }),
    };
  };
