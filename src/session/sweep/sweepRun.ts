import type { Recipe } from '../../base/config/recipe.ts';
import type { StoredRun } from '../../content/runs/storedRun.ts';
import type { RunStore } from '../../content/runs/runStore.ts';

/** What a stored run of a sweep has reached. */
export interface RunReached {
  /** Null where it can be resumed. */
  state: 'done' | 'failed' | null;
  failure: StoredRun['header']['failure'];
  /** The step of its last checkpoint; of its end where it is done. */
  step: number;
  /** Evaluation losses by step, without the one before the first step. */
  losses: ReadonlyMap<number, number>;
}

/** Which run of which sweep a stored run is: kept with it, since a crash may come before the sweep knows its id. */
export interface SweepMark {
  sweep: { id: string; index: number };
}

/** Reads how far a run of a sweep is; null where it was removed. Throws `runs.*`. */
export async function runReached(runs: RunStore, id: string): Promise<RunReached | null> {
  const listed = (await runs.list()).some((one) => one.id === id && one.header);
  if (!listed) return null;
  const run = await runs.look(id);
  const { state, failure, progress } = run.header;
  const losses = new Map<number, number>();
  for (const record of (await run.curves()).records)
    if (record.kind === 'eval' && record.step > 0) losses.set(record.step, record.loss);
  return {
    state: state === 'done' || state === 'failed' ? state : null,
    failure,
    step: state === 'done' ? progress.step : (run.checkpoints.at(-1)?.step ?? 0),
    losses,
  };
}

/** The stored run of a place in a sweep; null where there is none. */
export async function findRun(runs: RunStore, sweep: string, index: number): Promise<string | null> {
  for (const { id, header } of await runs.list()) {
    const mark = (header?.extra as Partial<SweepMark> | null | undefined)?.sweep;
    if (mark?.id === sweep && mark.index === index) return id;
  }
  return null;
}

/**
 * The evaluation loss that a recipe is judged by after a step: the last, or with `load_best`, which would end with those
 * parameters, the lowest. Null where there is none that is finite.
 */
export function judgedLoss(
  { load_best }: Pick<Recipe, 'load_best'>,
  losses: ReadonlyMap<number, number>,
  step: number,
): number | null {
  const until = [...losses].filter(([at]) => at <= step).sort(([a], [b]) => a - b);
  const values = until.map(([, loss]) => loss);
  const loss = load_best ? Math.min(...values.filter(Number.isFinite)) : values.at(-1);
  return loss !== undefined && Number.isFinite(loss) ? loss : null;
}
