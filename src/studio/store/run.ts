import { runName } from '../../base/config/runName.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { SamplePrompt, TrainOutcome } from '../../hosts/browser/protocol.ts';
import { errorKind } from '../../base/lib/errorKind.ts';
import { noteOf } from './errorNote.ts';
import { emptyExporting } from './state/exporting.ts';
import { withRecovery } from './recovery.ts';
import { runEvents } from './runEvents.ts';
import { emptyRun, type RunSlice, type RunState, type StartedRun } from './state/run.ts';
import { busyWith, isReadOnly, type SliceOf } from './state.ts';

export const createRunSlice: SliceOf<RunSlice> =
  ({ workers, metrics }) =>
  (set, get) => {
    const patch = (changes: Partial<RunState>) => set(({ run }) => ({ run: { ...run, ...changes } }));
    const onEvent = runEvents({ metrics, patch, get });

    const { call } = workers.engine;
    /** How the user wants the run to end; passed to the engine, even if the run starts only later. */
    let endRequest: 'stopping' | 'pausing' | null = null;

    const begin = (changes: Partial<RunState>) => {
      endRequest = null;
      metrics.reset();
      set({
        run: { ...emptyRun, status: 'preparing', startedAt: Date.now(), ...changes },
        adapter: null,
        exporting: emptyExporting,
      });
    };

    const sendEndRequest = async (): Promise<unknown> =>
      endRequest && (endRequest === 'stopping' ? call.stopTraining() : call.pauseTraining());

    /** Repeats an end request from before the training started, which the engine has not received yet. */
    const withEndRequest = <Result>(training: Promise<Result>): Promise<Result> => {
      // If this fails, so does the training.
      sendEndRequest().catch(() => undefined);
      return training;
    };

    const resume = (id: string) => withEndRequest(call.resumeRun(id, onEvent));

    /** Opens the model again that was lost with the engine's worker. */
    const reopenModel = async (): Promise<void> => {
      const { source } = get().model;
      if (!source) throw new GraftError('workers.restarted', { reason: 'no model' });
      await call.openModel(source);
      patch({ modelLost: false });
    };

    /** Trains and, after losing the device or the worker, resumes what is stored until it ends. */
    const follow = <Result>(
      start: () => Promise<Result>,
      again: () => Promise<Result>,
      isStored = () => get().run.id !== null,
    ) =>
      withRecovery(
        start,
        async () => {
          await reopenModel();
          return again();
        },
        () => {
          const { checkpoint, recoveries } = get().run;
          if (!isStored()) return null;
          const step = checkpoint?.step ?? 0;
          const status = endRequest ?? 'recovering';
          patch({ status, loading: null, storageFull: null, recoveries: recoveries + 1 });
          metrics.mark({ kind: 'lost', step: metrics.latest?.step ?? step });
          get().announce({ kind: 'trainingRecovers', step });
          return step;
        },
      );

    /** Records the engine's trained state: the parameters of a step, which are saved only in `run`, if at all. */
    const holds = (steps: number, run: string | null) => {
      const method = get().run.recipe?.method ?? 'lora';
      set({ adapter: { origin: 'trained', saved: false, steps, run, method } });
      void get().askSizes();
    };

    const finish = async (working: Promise<TrainOutcome>) => {
      try {
        const outcome = await working;
        patch({ status: 'done', outcome });
        const { step, stored } = outcome.result;
        holds(step, stored ? get().run.id : null);
        // A QLoRA run leaves 4-bit weights in the cache.
        if (get().stored.report) void get().refreshStorage();
        const facts = { steps: outcome.steps, step: outcome.steps, loss: metrics.smoothedLoss };
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
      // A model without a tokenizer trains on tokens alone, and cannot answer prompts.
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
      // A plan that is still being made follows, by `planned`.
      begin({ recipe, plan: planning ? null : plan });
      const beginning = async (): Promise<TrainOutcome> => {
        const { train, evaluation } = await workers.data.call
          .runRows((tokenizing) => patch({ tokenizing }))
          .finally(() => patch({ tokenizing: null }));
        patch({ evalRows: evaluation ? evaluation.offsets.length - 1 : 0 });
        const { address, summary, changes } = get().dataset;
        const validationFile = get().validation.summary?.name;
        const { edited, excluded, added } = changes;
        const name = runName(recipe, summary?.name ?? address);
        const samples = await samplesOf();
        const request = {
          recipe,
          name,
          dataFile: address,
          rows: train,
          evalRows: evaluation,
          samples,
          ...(edited + excluded + added > 0 && {
            changes: { edited, excluded, ...(added > 0 && { added }) },
          }),
          ...(validationFile !== undefined && { validationFile }),
        };
        return withEndRequest(call.train(request, onEvent));
      };
      await finish(follow(beginning, () => resume(get().run.id!)));
    };

    const end = async (wanted: 'stopping' | 'pausing') => {
      const before = get().run.status;
      if (before !== 'preparing' && before !== 'running' && before !== 'recovering') return;
      endRequest = wanted;
      if (get().run.tokenizing) void workers.data.call.stopRows().catch(() => undefined);
      // Stopping does not wait for space: the engine skips the pending checkpoint.
      patch({ status: wanted, ...(wanted === 'stopping' && { storageFull: null }) });
      try {
        await sendEndRequest();
      } catch (error) {
        // Lost before it heard: the one that goes on with the run is told again.
        if (errorKind(error) === 'recoverable' || get().run.status !== wanted) return;
        endRequest = null;
        patch({ status: before, error: noteOf(error) });
      }
    };

    return {
      run: emptyRun,
      samplePrompts: [],
      milestone: null,
      setSamplePrompts(samplePrompts) {
        if (!isReadOnly(get())) set({ samplePrompts });
      },
      async train() {
        const { draft } = get().recipe;
        const mayTrain = () => !busyWith(get()) && !isReadOnly(get());
        await get().onceAllowed(draft, mayTrain, () => get().unlessUnsaved('retrain', run));
      },
      async trainRuns({ start, resume, isStored }) {
        begin({ ofSweep: true });
        const onRun = ({ recipe, id, totalSteps, curves }: StartedRun) => {
          const { recoveries } = get().run;
          metrics.reset();
          metrics.restore(curves, totalSteps, []);
          const status = endRequest ?? 'preparing';
          patch({
            ...emptyRun,
            status,
            ofSweep: true,
            startedAt: Date.now(),
            recoveries,
            recipe,
            id,
            totalSteps,
          });
        };
        try {
          const result = await follow(
            () => withEndRequest(start(onRun, onEvent)),
            () => withEndRequest(resume(onRun, onEvent)),
            isStored,
          );
          set({ run: emptyRun });
          metrics.reset();
          return result;
        } catch (error) {
          patch({ status: 'failed', error: noteOf(error), id: null, storageFull: null });
          if (get().run.modelLost) get().engineLost(error);
          get().announce({ kind: 'trainingFailed' });
          return null;
        } finally {
          metrics.flush();
          void get().refreshRuns();
        }
      },
      async continueRun(id) {
        const entry = get().runs.entries.find((one) => one.id === id)?.head;
        const goOn = async () => {
          begin({
            ...(entry && { recipe: entry.recipe, evalRows: entry.data.evalRows }),
            id,
          });
          try {
            const { curves, checkpoints } = await call.runDetail(id);
            const saved = checkpoints.map(({ step }) => step);
            metrics.restore(curves, entry?.progress.totalSteps ?? 0, saved);
            patch({ samples: curves.filter((record) => record.kind === 'sample') });
          } catch {
            // The curve then starts here; resuming the run reports what is wrong with it.
          }
          await finish(
            follow(
              () => resume(id),
              () => resume(id),
            ),
          );
        };
        await get().onceAllowed(
          entry?.recipe ?? null,
          () => !busyWith(get()),
          () => get().unlessUnsaved('retrain', goOn),
        );
      },
      stopTraining: () => end('stopping'),
      pauseTraining: () => end('pausing'),
      async answerStorage(answer) {
        patch({ storageFull: null });
        // If the engine was lost, nothing is waiting.
        await call.answerStorage(answer).catch(() => undefined);
      },
      planned(recipe, plan) {
        if (get().run.recipe === recipe && !get().run.plan) patch({ plan });
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
