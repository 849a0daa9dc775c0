import type { CurveRecord } from '../../content/runs/curveLog.ts';
import { train, type TrainOptions } from '../../engine/train/trainer.ts';

/** Steps before and after the export whose losses a job has. */
export const EXPECTED_STEPS = 20;

/** A line of `losses_expected.jsonl`; `loss` and `grad_norm` are null where they are not finite. */
export type ExpectedLoss =
  | { step: number; loss: number; grad_norm: number; lr: number; tokens: number; done: boolean }
  | { step: number; eval_loss: number; done: boolean };

/** The last steps of a run's curves. */
export function lossesDone(records: readonly CurveRecord[], step: number): ExpectedLoss[] {
  return records.flatMap((record): ExpectedLoss[] => {
    if (record.step > step || record.step <= step - EXPECTED_STEPS) return [];
    if (record.kind === 'step') {
      const { loss, gradNorm, lr, tokens } = record;
      return [{ step: record.step, loss, grad_norm: gradNorm, lr, tokens, done: true }];
    }
    return record.kind === 'eval' && record.step > 0
      ? [{ step: record.step, eval_loss: record.loss, done: true }]
      : [];
  });
}

/** Trains some steps on, to know their losses; `adapter` is changed by it, and nothing is stored. */
export async function lossesAhead(
  run: Pick<TrainOptions, 'decoder' | 'adapter' | 'recipe' | 'dataset' | 'evalDataset' | 'resume'> & {
    model: string;
  },
  count: number,
  onStep: (done: number) => void,
): Promise<ExpectedLoss[]> {
  const found: ExpectedLoss[] = [];
  let [steps, total] = [0, 0];
  if (count > 0)
    await train({
      ...run,
      checkpoints: { seconds: Infinity, model: run.model, save: async () => undefined },
      onStep({ step, totalSteps, loss, gradNorm, lr, tokens }) {
        found.push({ step, loss, grad_norm: gradNorm, lr, tokens, done: false });
        total = totalSteps;
        onStep(++steps);
      },
      onEval(step, eval_loss) {
        // Also measured before the first step, and where a run is stopped.
        const isDue = step > 0 && (step % run.recipe.eval_steps === 0 || step === total);
        if (isDue) found.push({ step, eval_loss, done: false });
      },
      shouldStop: () => steps >= count,
    });
  return found;
}
