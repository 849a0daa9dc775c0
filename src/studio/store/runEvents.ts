import type { TrainEvent } from '../../hosts/browser/protocol.ts';
import { noteOf } from './errorNote.ts';
import { errorOf } from '../../base/lib/errorFacts.ts';
import type { Metrics } from './metrics.ts';
import type { RunState } from './state/run.ts';
import type { Studio } from './state.ts';

/** Groups of sampled answers that are kept, the latest: a run may have thousands. */
const MAX_GROUPS = 200;

/** Applies the engine's events of a run to the page's state and curves. */
export function runEvents({
  metrics,
  patch,
  get,
}: {
  metrics: Metrics;
  patch: (changes: Partial<RunState>) => void;
  get: () => Studio;
}): (event: TrainEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'loading': {
        const { done, total } = event;
        return patch({ phase: 'weights', loading: { phase: 'weights', done, total, unit: 'bytes' } });
      }
      case 'loaded':
        return patch({ phase: 'adapter', loading: null });
      case 'initializing': {
        const { done, total } = event;
        const loading = { phase: 'adapter', done, total, unit: 'weights' } as const;
        return patch({ phase: 'adapter', loading: done < total ? loading : null });
      }
      case 'notCached':
        return patch({ notCached: event.detail });
      case 'stored':
        patch({ id: event.id });
        return void get().refreshRuns();
      case 'notStored':
        return patch({ notStored: noteOf(errorOf(event.error)) });
      case 'takenOver':
        // Nothing of it may be resumed here any more.
        patch({ takenOver: noteOf(errorOf(event.error)), id: null, storageFull: null });
        return void get().refreshRuns();
      case 'resumed':
        // Steps after the checkpoint are reported again.
        metrics.rewind(event.step);
        patch({
          samples: get().run.samples.filter(({ step }) => event.step > 0 && step <= event.step),
          groups: get().run.groups.filter(({ step }) => step <= event.step),
        });
        return patch({
          resumed: { step: event.step, passedOver: event.damaged.length },
          checkpoint: { step: event.step, at: Date.now() },
        });
      case 'checkpoint':
        metrics.mark({ kind: 'saved', step: event.step });
        return patch({ checkpoint: { step: event.step, at: event.at } });
      case 'storageFull':
        patch({ storageFull: { step: event.step, error: noteOf(errorOf(event.error)) } });
        return get().announce({ kind: 'storageFull' });
      case 'sample':
        return patch({ samples: [...get().run.samples, event] });
      case 'completions': {
        const { step, prompt, answers } = event;
        return patch({ groups: [...get().run.groups, { step, prompt, answers }].slice(-MAX_GROUPS) });
      }
      case 'start': {
        const { totalSteps, trainableParameters } = event;
        metrics.begin(totalSteps);
        return patch({ phase: 'firstStep', loading: null, totalSteps, trainableParameters });
      }
      case 'firstStep': {
        const { status, totalSteps } = get().run;
        patch({
          // The outcome uses another port and may arrive first: a run that has ended stays ended.
          ...((status === 'preparing' || status === 'recovering') && { status: 'running' as const }),
          phase: null,
          firstStep: { seconds: event.seconds, preparation: event.preparation },
        });
        return get().announce({ kind: 'trainingStarted', steps: totalSteps });
      }
      case 'profile':
        patch({ profiling: false, profile: { step: event.step, profile: event.profile } });
        return get().announce({ kind: 'profileDone', step: event.step });
      case 'answering':
      case 'evaluating': {
        const phaseCount = event.kind === 'answering' ? event.prompts : event.rows;
        // The outcome uses another port and may arrive first.
        return get().run.outcome ? undefined : patch({ phase: event.kind, phaseCount });
      }
      case 'eval':
        if (get().run.phase === 'evaluating') patch({ phase: event.step === 0 ? 'firstStep' : null });
        return metrics.pushEvaluation(event.step, event.loss);
      case 'step': {
        metrics.push(event);
        if (get().run.phase === 'answering') patch({ phase: null });
        const quarter = (step: number) => Math.floor((step * 4) / Math.max(1, get().run.totalSteps));
        const reached = quarter(event.step);
        if (reached > quarter(event.step - 1) && reached < 4) {
          get().announce({ kind: 'trainingProgress', percent: reached * 25, loss: metrics.smoothedLoss });
        }
      }
    }
  };
}
