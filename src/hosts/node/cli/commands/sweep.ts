import { basename, dirname, join } from 'node:path';
import type { Recipe } from '../../../../base/config/recipe.ts';
import { readAxis } from '../../../../base/config/sweepAxes.ts';
import { GraftError, describe, type ErrorCode } from '../../../../base/lib/errors.ts';
import { nodeDirectory } from '../../../../base/storage/nodeDirectory.ts';
import { nodeFolder } from '../../../../base/storage/nodeFolder.ts';
import { nodeLocks } from '../../../../base/storage/nodeLocks.ts';
import type { OwnedFolder } from '../../../../base/storage/ownedFolder.ts';
import { rowLengths } from '../../../../content/data/tokens/tokenize.ts';
import { readJson } from '../../../../content/formats/text.ts';
import { RunStore } from '../../../../content/runs/runStore.ts';
import type { Sweep } from '../../../../content/runs/sweep.ts';
import { SweepStore } from '../../../../content/runs/sweepStore.ts';
import { stepsOf } from '../../../../engine/train/steps.ts';
import type { Session } from '../../../../session/session.ts';
import { expandGrid, expandList } from '../../../../session/sweep/grid.ts';
import { bestRun, DEFAULT_ETA, standing } from '../../../../session/sweep/halving.ts';
import type { SweepOptions } from '../../../../session/sweep/sweepJob.ts';
import { sweepCsv, sweepJson, sweepTable, tableCells } from '../../../../session/sweep/sweepTable.ts';
import { checkpointWait } from '../checkpointWait.ts';
import { command } from '../command.ts';
import { dataOption, encodingOption, modelOptions, recipeOption, rowsFieldOption } from '../commonOptions.ts';
import { endsOf, readRecipeRows } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { onInterrupt } from '../interrupt.ts';
import { flag, number, optional, optionalNumber, repeated, required, type Values } from '../options.ts';
import { checkEmpty, withOutput } from '../output.ts';
import { readRecipe, withWarmup } from '../recipe.ts';
import { log, printText } from '../terminal.ts';
import { reportTraining } from '../trainReporter.ts';
import { openModelOf, withSession } from '../withSession.ts';
import { writeResult } from '../writeResult.ts';

const options = {
  ...modelOptions,
  data: dataOption,
  rowsField: rowsFieldOption,
  evalData: optional('Data', 'FILE', 'The rows to measure the loss on, as for train.'),
  encoding: encodingOption,
  recipe: { ...recipeOption, help: `What all recipes share. ${recipeOption.help}` },
  recipes: optional(
    'Training',
    'FILE',
    'A JSON list of recipes; each has the keys in which it differs from --recipe.',
  ),
  grid: repeated(
    'Training',
    'KEY=V1,V2',
    'Values of a recipe key; given for several keys, every combination of their values is trained.',
  ),
  halving: number(
    'Training',
    DEFAULT_ETA,
    { min: 1, max: 64, integer: true },
    'At each rung the best 1/N of the runs go on, rounded up; 1 trains all to their end.',
  ),
  rungs: optionalNumber(
    'Training',
    { min: 0, max: 20, integer: true },
    'How many rungs there are: the last at 1/N (of --halving) of a run’s steps, each before it at 1/N of the next. By default as many as leave one run, at most 3.',
  ),
  checkpointSeconds: number('Training', 60, { min: 0 }, 'Seconds between two checkpoints.'),
  resume: flag('Training', 'Continues the sweep in --out, the run in progress from its last checkpoint.'),
  storageWait: number(
    'Training',
    600,
    { min: 0 },
    'Seconds to wait for space on a full disk, before training continues without checkpoints.',
  ),
  out: required(
    'Output',
    'DIR',
    'A new or empty folder: for the runs, the table (sweep.csv, sweep.json), the best recipe (best-recipe.json) and what it trained (best).',
  ),
};

type Options = Values<typeof options>;

/** The last file to be written: where it is, the sweep is over. */
const TABLE_FILE = 'sweep.json';

export const sweep = command(
  'sweep',
  'Trains several recipes on the same rows, one after the other, and stops the worse ones early by their loss on held-out rows (successive halving). Prints a table, the best first. Ctrl-C pauses after a step; the same command with --resume continues, also after a crash.',
  options,
  async (values, usage) => {
    checkHubAccess(values, usage, [values.model, values.data, values.evalData]);
    const { resume, rungs } = values;
    if (!resume && values.recipes === undefined && values.grid.length === 0)
      throw new GraftError('cli.missing_option', { option: 'grid', usage });
    const asked = await askedRecipes(values, usage);
    await withOutput(values.out, async (out) => {
      const sweeps = new SweepStore(...storeAt(values.out, 'sweeps'));
      const runs = new RunStore(...storeAt(values.out, 'runs'));
      const [found] = await sweeps.list();
      if (found && !resume) throw new GraftError('cli.sweep_exists', { folder: values.out });
      if (!found) await checkEmpty(out, values.out);
      if (!found && !asked) throw new GraftError('cli.missing_option', { option: 'grid', usage });
      if ((await out.list()).includes(TABLE_FILE) && found) {
        log(`Already finished: the table is in ${values.out}.`);
        return printTable(found.sweep);
      }
      await withSession(async (session) => {
        const { files } = await openModelOf(session, values);
        const shared = found?.sweep.runs[0]?.recipe ?? asked!.recipes[0]!;
        const rows = await readRecipeRows(values.data, values, files, shared, {
          rowsField: values.rowsField,
          encoding: values.encoding,
          validation: values.evalData,
        });
        const recipes = asked?.recipes.map((recipe) =>
          withWarmup({ ...asked, recipe }, stepsOf(recipe, rowLengths(rows.train)).steps),
        );
        const signal = onInterrupt('pause', 'Pausing after this step. Ctrl-C again ends at once.');
        const waiting = checkpointWait(values.storageWait, signal);
        const how: SweepOptions = {
          ...reports(),
          onEvent(event) {
            reportTraining(event);
            waiting.onEvent(event);
          },
          onStorageFull: waiting.onStorageFull,
          signal,
          checkpointSeconds: values.checkpointSeconds,
        };
        const storage = { sweeps, runs };
        const settings = { eta: values.halving, ...(rungs !== null && { rungs }) };
        if (found && recipes) checkSame(found.sweep, recipes, rungs, values.halving);
        const ended = found
          ? await session.resumeSweep(storage, found.sweep.id, how, { rows })
          : await session.sweep(
              {
                recipes: recipes!,
                rows,
                dataFile: values.data,
                validationFile: values.evalData,
                ...settings,
              },
              storage,
              how,
            );
        await finish(session, ended, out, values.out);
      });
    });
  },
);

function storeAt(
  out: string,
  name: string,
): [ReturnType<typeof nodeDirectory>, ReturnType<typeof nodeLocks>] {
  const path = join(out, name);
  return [nodeDirectory(path), nodeLocks(path)];
}

/** The recipes of the command line; null where it gives none. Throws `train.*`, `cli.bad_value`. */
async function askedRecipes(
  { recipe: path, recipes: listPath, grid }: Options,
  usage: string,
): Promise<{ recipes: Recipe[]; warmupRatio: number | null } | null> {
  if (listPath === undefined && grid.length === 0) return null;
  const { recipe: base, warmupRatio } = await readRecipe(path);
  if (listPath !== undefined) {
    if (grid.length > 0)
      throw new GraftError('cli.bad_option', { detail: 'Give --recipes or --grid, not both.', usage });
    const list = await readJson(nodeFolder(dirname(listPath)), basename(listPath));
    if (!Array.isArray(list)) throw new GraftError('train.sweep_list', { file: basename(listPath) });
    return { recipes: expandList(base, list), warmupRatio };
  }
  const axes = grid.map((text) => {
    const axis = readAxis(text);
    const expected = 'a recipe key and its values, such as lr=1e-4,3e-4';
    if (!axis) throw new GraftError('cli.bad_value', { option: 'grid', value: text, expected, usage });
    return axis;
  });
  const values: Record<string, unknown[]> = {};
  for (const { key, values: given } of axes) values[key] = [...(values[key] ?? []), ...given];
  return { recipes: expandGrid(base, values), warmupRatio };
}

/** Throws `train.sweep_other_recipes` where a sweep is not the one that is asked for. */
function checkSame(found: Sweep, recipes: readonly Recipe[], rungs: number | null, eta: number): void {
  const text = (all: readonly Recipe[]) => JSON.stringify(all);
  const isSame =
    text(found.runs.map(({ recipe }) => recipe)) === text(recipes) &&
    found.eta === eta &&
    (rungs === null || found.rungs === rungs);
  if (!isSame) throw new GraftError('train.sweep_other_recipes');
}

/** Says which run begins, or goes on. */
function reports(): Pick<SweepOptions, 'onSweep'> {
  let current: number | null = null;
  return {
    onSweep({ runs, ...sweep }, index) {
      if (index === current) return;
      const end = current === null ? null : runs[current]!.end;
      if (end?.failure)
        log(`Run ${current! + 1} failed: ${describe(end.failure.code as ErrorCode, end.failure.params)}`);
      current = index;
      if (index === null) return;
      const { name, totalSteps } = runs[index]!;
      const until = standing({ ...sweep, runs }).next?.until ?? totalSteps;
      log(`Run ${index + 1} of ${runs.length} to step ${until} of ${totalSteps}: ${name}`);
    },
  };
}

/** Writes what a sweep came to, the table last, and prints it. Throws `train.sweep_all_failed`. */
async function finish(session: Session, sweep: Sweep, out: OwnedFolder, path: string): Promise<void> {
  const best = bestRun(sweep);
  if (standing(sweep).next) {
    printTable(sweep);
    return log('The sweep is paused. The same command with --resume continues it.');
  }
  if (best !== null) {
    const { recipe, name } = sweep.runs[best]!;
    const folder = join(path, 'best');
    await withOutput(folder, async (into) => {
      // Of a start that was cut off while it wrote.
      for (const file of await into.list()) await into.remove(file);
      await into.removeUnfinished?.();
      const ends = await endsOf(session.model.files.folder);
      await writeResult(session, into, { path: folder, dtype: 'F32', ends });
    });
    await writeText(out, 'best-recipe.json', `${JSON.stringify(recipe, null, 2)}\n`);
    log(`The best recipe is that of “${name}”: ${join(path, 'best-recipe.json')}`);
  }
  const table = sweepTable(sweep);
  await writeText(out, 'sweep.csv', sweepCsv(table));
  await writeText(out, TABLE_FILE, sweepJson(table));
  printTable(sweep);
  if (best !== null) return;
  const failure = sweep.runs.find(({ end }) => end?.failure)?.end?.failure;
  const detail = failure ? describe(failure.code as ErrorCode, failure.params) : '';
  throw new GraftError('train.sweep_all_failed', { count: sweep.runs.length, detail });
}

async function writeText(out: OwnedFolder, file: string, text: string): Promise<void> {
  const sink = await out.create(file);
  await sink.write(new TextEncoder().encode(text));
  await sink.close();
}

function printTable(sweep: Sweep): void {
  const { columns, cells } = tableCells(sweepTable(sweep));
  const lines = [columns, ...cells];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  for (const line of lines)
    printText(
      line
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    );
}
