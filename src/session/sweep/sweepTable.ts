import { differingKeys } from '../../base/config/recipeDiff.ts';
import { settingText } from '../../base/config/runName.ts';
import { csvOf } from '../../base/lib/csv.ts';
import type { RecipeKey } from '../../base/config/recipe.ts';
import type { Sweep } from '../../content/runs/sweep.ts';
import { lastLoss, ranking, rungStep, standing, type SweepRunState } from './halving.ts';

/** A run of a sweep as a row. */
export interface SweepRow {
  /** Its place in the sweep. */
  index: number;
  name: string;
  /** The values of `SweepTable.keys`. */
  settings: unknown[];
  /** Of its end, or of the last rung it has reached; null before, and where it is not finite. */
  loss: number | null;
  steps: number;
  totalSteps: number;
  state: SweepRunState;
  /** Evaluation losses at the rungs, by step. */
  rungs: { step: number; loss: number | null }[];
}

/** A sweep as a table: the settings that differ, and its runs, the best first. */
export interface SweepTable {
  keys: RecipeKey[];
  rows: SweepRow[];
}

/** The table of a sweep, however far it is. */
export function sweepTable(sweep: Sweep): SweepTable {
  const keys = differingKeys(sweep.runs.map(({ recipe }) => recipe));
  const { states } = standing(sweep);
  const rows = ranking(sweep).map((index): SweepRow => {
    const run = sweep.runs[index]!;
    return {
      index,
      name: run.name,
      settings: keys.map((key) => run.recipe[key]),
      loss: lastLoss(run),
      steps: run.steps,
      totalSteps: run.totalSteps,
      state: states[index]!,
      rungs: run.rungs.map((loss, rung) => ({ step: rungStep(run.totalSteps, rung, sweep), loss })),
    };
  });
  return { keys, rows };
}

/** The table's columns by the names they have in files, and its cells. */
export function tableCells({ keys, rows }: SweepTable): { columns: string[]; cells: string[][] } {
  const columns = [...keys, 'eval_loss', 'steps', 'of_steps', 'state'];
  const cells = rows.map(({ settings, loss, steps, totalSteps, state }) => [
    ...settings.map(settingText),
    loss === null ? '' : String(loss),
    String(steps),
    String(totalSteps),
    state,
  ]);
  return { columns, cells };
}

/** The table as CSV (RFC 4180). */
export function sweepCsv(table: SweepTable): string {
  const { columns, cells } = tableCells(table);
  return csvOf([columns, ...cells]);
}

/** The table as JSON: an object a run, the best first. */
export function sweepJson({ keys, rows }: SweepTable): string {
  const runs = rows.map(({ name, settings, loss, steps, totalSteps, state, rungs }) => ({
    ...Object.fromEntries(keys.map((key, i) => [key, settings[i]])),
    eval_loss: loss,
    steps,
    of_steps: totalSteps,
    state,
    rungs,
    run: name,
  }));
  return `${JSON.stringify(runs, null, 2)}\n`;
}
