import * as v from 'valibot';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { webLocks } from '../../base/storage/webLocks.ts';
import type { Sweep } from '../../content/runs/sweep.ts';
import { SweepStore } from '../../content/runs/sweepStore.ts';
import { bestRun, standing } from '../../session/sweep/halving.ts';
import { sweepTable } from '../../session/sweep/sweepTable.ts';
import type { SweepReport } from './runsProtocol.ts';

/** Code of sweeps, which the engine worker loads once there is one. */

/** The folder of the origin private file system that holds sweeps; their runs are with all others. */
export const SWEEPS_FOLDER = 'sweeps';

/** The sweeps of this browser. Throws `storage.opfs_denied`. */
export async function openSweepStore(): Promise<SweepStore> {
  return new SweepStore(await opfsDirectory(SWEEPS_FOLDER), webLocks());
}

const extraSchema = v.object({ model: v.string() });

/**
 * A sweep as the page shows it.
 * @param training the place of the run that trains here now; null where none does
 * @param busy whether it is open, in this tab or another
 */
export function reportOf(sweep: Sweep, training: number | null, busy: boolean): SweepReport {
  const { id, createdAt, data, runs, extra } = sweep;
  const { keys, rows } = sweepTable(sweep);
  const parsed = v.safeParse(extraSchema, extra);
  return {
    id,
    createdAt,
    dataFile: data.file,
    model: parsed.success ? parsed.output.model : '',
    keys,
    rows: rows.map((row) => {
      const { id: run, recipe, end } = runs[row.index]!;
      return { ...row, run, recipe, failure: end?.failure ?? null };
    }),
    training,
    best: bestRun(sweep),
    over: standing(sweep).next === null,
    busy,
  };
}
