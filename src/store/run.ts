import { GraftError } from '../lib/errors.ts';
import type { SamplePrompt, TrainOutcome } from '../workers/protocol.ts';
import { noteOf } from './errorNote.ts';
import { emptyExporting } from './exporting.ts';
import { isPassing, withRecovery } from './recovery.ts';
import { runEvents } from './runEvents.ts';
import { emptyRun, type RunState } from './runState.ts';
import { busyWith, type SliceOf } from './state.ts';

export { emptyRun, type RunState, type Sample } from './runState.ts';

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

export const createRunSlice: SliceOf<RunSlice> =
  ({ workers, metrics }) =>
  (set, get) => {
    const patch = (changes: Partial<RunState>) => set(({ run }) => ({ run: { ...run, ...changes } }));
    const onEvent = runEvents({ metrics, patch, get });

    const { call } = workers.engine;
    /** How the person wants it to end; whoever trains it is told, also one that begins only now. */
    let wish: 'stopping' | 'pausing' | null = null;

    const begin = (changes: Partial<RunState>) => {
      wish = null;
      metrics.reset();
      set({
        run: { ...emptyRun, status: 'preparing', ...changes },
        adapter: null,
        exporting: emptyExporting,
      });
      get().forgetAnswers();
    };

    const tell = async (): Promise<unknown> =>
      wish && (wish === 'stopping' ? call.stopTraining() : call.pauseTraining());

    /** What was wanted before there was anything to end: a training begins without it. */
    const told = (training: Promise<TrainOutcome>): Promise<TrainOutcome> => {
      // Where this fails, so does the training.
      tell().catch(() => undefined);
      return training;
    };

    const resume = (id: string) => told(call.resumeRun(id, onEvent));

    const resumeAfterLoss = async (): Promise<TrainOutcome> => {
      const { source } = get().model;
      const { id } = get().run;
      if (!source || id === null) throw new GraftError('workers.restarted', { reason: 'no model' });
      await call.openModel(source);
      patch({ modelLost: false });
      return resume(id);
    };

    /** Trains, and where the device or the worker is lost goes on with the stored run until it ends. */
    const follow = (start: () => Promise<TrainOutcome>) =>
      withRecovery(start, resumeAfterLoss, () => {
        const { id, checkpoint, recoveries } = get().run;
        if (id === null) return null;
        const step = checkpoint?.step ?? 0;
        const status = wish ?? 'recovering';
        patch({ status, loading: null, storageFull: null, recoveries: recoveries + 1 });
        get().announce({ kind: 'trainingRecovers', step });
        return step;
      });

    /** Says what the engine holds: the parameters of a step, which only `run` keeps from being lost. */
    const holds = (steps: number, run: string | null) => {
      const method = get().run.recipe?.method ?? 'lora';
      set({ adapter: { origin: 'trained', saved: false, steps, run, method } });
      void get().askSizes();
    };

    const finish = async (working: Promise<TrainOutcome>) => {
      try {
        const outcome = await working;
        patch({ status: 'done', outcome });
        const { step, stored } = outcome.kept;
        holds(step, stored ? get().run.id : null);
        // A QLoRA run leaves 4-bit weights there.
        if (get().stored.report) void get().refreshStorage();
        const facts = { steps: outcome.steps, step: outcome.steps, loss: outcome.finalLoss };
        get().announce({ kind: outcome.ended === 'paused' ? 'trainingPaused' : 'trainingDone', ...facts });
      } catch (error) {
        patch({ status: 'failed', error: noteOf(error) });
        if (get().run.modelLost) get().engineLost(error);
        // A run that diverged keeps the adapter of its last good step, which is later than its last checkpoint.
        const last = metrics.latest?.step;
        if (error instanceof GraftError && error.code === 'train.diverged' && last) holds(last, null);
        get().announce({ kind: 'trainingFailed' });
      } finally {
        patch({ profiling: false, storageFull: null });
        metrics.flush();
        void get().refreshRuns();
      }
    };

    const samplesOf = async (): Promise<SamplePrompt[]> => {
      const samples: SamplePrompt[] = [];
      const templateArgs = get().recipe.draft.template_args;
      // A model without a tokenizer trains on tokens alone, and answers nothing.
      if (get().model.tokenizer === 'none') return samples;
      for (const text of get()
        .samplePrompts.map((prompt) => prompt.trim())
        .filter(Boolean)) {
        const messages = [{ role: 'user' as const, content: text }];
        samples.push({
          text,
          ...(await workers.data.call.promptTokens({ kind: 'chat', messages, templateArgs })),
        });
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
        return told(call.train(request, onEvent));
      };
      await finish(follow(beginning));
    };

    const end = async (wanted: 'stopping' | 'pausing') => {
      const before = get().run.status;
      if (before !== 'preparing' && before !== 'running' && before !== 'recovering') return;
      wish = wanted;
      // Who stops does not wait for room: the engine does without the checkpoint that waits for it.
      patch({ status: wanted, ...(wanted === 'stopping' && { storageFull: null }) });
      try {
        await tell();
      } catch (error) {
        // Lost before it heard: the one that goes on with the run is told again.
        if (isPassing(error) || get().run.status !== wanted) return;
        wish = null;
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
        if (busyWith(get())) return;
        await get().unlessUnsaved('retrain', async () => {
          const entry = get().runs.entries.find((one) => one.id === id)?.head;
          begin({
            ...(entry && { recipe: entry.recipe, evalRows: entry.data.evalRows }),
            id,
          });
          try {
            const { curves } = await call.runDetail(id);
            metrics.restore(curves, entry?.progress.totalSteps ?? 0);
            patch({ samples: curves.filter((record) => record.kind === 'sample') });
          } catch {
            // The curve begins here, then; what is wrong with the run is told by going on with it.
          }
          await finish(follow(() => resume(id)));
        });
      },
      stopTraining: () => end('stopping'),
      pauseTraining: () => end('pausing'),
      async answerStorage(answer) {
        patch({ storageFull: null });
        // Nobody waits any more where the engine was lost.
        await call.answerStorage(answer).catch(() => undefined);
      },
      async profileStep() {
        if (get().run.status !== 'running') return;
        patch({ profiling: true, profileError: null });
        try {
          await call.profileStep();
        } catch (error) {
          patch({ profiling: false, profileError: noteOf(error) });
        }
      },
      dismissProfileError: () => patch({ profileError: null }),
      dismissRunError: () => patch({ error: null }),
      announce: (milestone) => set({ milestone }),
    };
  };
