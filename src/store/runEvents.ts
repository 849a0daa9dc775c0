import type { TrainEvent } from '../workers/protocol.ts';
import { noteOf } from './errorNote.ts';
import { thrownOf } from '../workers/result.ts';
import type { Metrics } from './metrics.ts';
import type { RunState } from './run.ts';
import type { Studio } from './state.ts';

/** Turns what the engine tells of a run into the page's state and its curves. */
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
      case 'phase':
        return patch({ phase: event.phase, loading: null });
      case 'loading':
        return patch({ phase: event.progress.phase, loading: event.progress });
      case 'notKept':
        return patch({ notKept: event.detail });
      case 'stored':
        patch({ id: event.id });
        return void get().refreshRuns();
      case 'notStored':
        return patch({ notStored: noteOf(thrownOf(event.error)) });
      case 'resumed':
        // What came after the checkpoint comes again.
        metrics.rewind(event.step);
        patch({ samples: get().run.samples.filter(({ step }) => step <= event.step) });
        return patch({ resumed: event, checkpoint: { step: event.step, at: Date.now() } });
      case 'checkpoint':
        return patch({ checkpoint: { step: event.step, at: event.at } });
      case 'storageFull':
        patch({ storageFull: { step: event.step, error: noteOf(thrownOf(event.error)) } });
        return get().announce({ kind: 'storageFull' });
      case 'sample':
        return patch({ samples: [...get().run.samples, event] });
      case 'start': {
        metrics.begin(event.totalSteps);
        const { status } = get().run;
        patch({
          // The outcome comes by another port and may be first: a run that has ended stays ended.
          ...((status === 'preparing' || status === 'recovering') && { status: 'running' as const }),
          phase: null,
          loading: null,
          totalSteps: event.totalSteps,
          trainableParameters: event.trainableParameters,
        });
        return get().announce({ kind: 'trainingStarted', steps: event.totalSteps });
      }
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
}
