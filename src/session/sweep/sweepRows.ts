import { GraftError } from '../../base/lib/errors.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { Sweep } from '../../content/runs/sweep.ts';
import { storedRows } from '../storedRun.ts';
import type { SplitRows } from '../trainJob.ts';
import { findRun } from './sweepRun.ts';

/** The rows of a sweep, as they were stored with its runs. Throws `runs.sweep_no_rows` where no run is left that has them. */
export async function storedSweepRows(sweep: Sweep, runs: RunStore): Promise<SplitRows> {
  const there = new Set((await runs.list()).flatMap(({ id, header }) => (header ? [id] : [])));
  for (const [index, run] of sweep.runs.entries()) {
    const id = run.id ?? (await findRun(runs, sweep.id, index));
    if (id !== null && there.has(id)) return storedRows(await runs.look(id), null);
  }
  throw new GraftError('runs.sweep_no_rows', { sweep: sweep.id });
}
