import type { Recipe, RecipeKey } from '../../base/config/recipe.ts';
import { differingKeys } from '../../base/config/recipeDiff.ts';
import type { RunEntry } from '../../hosts/browser/protocol.ts';

export type RunHead = NonNullable<RunEntry['head']>;

/** A column of the table of runs: a setting that differs between them, or something every run has. */
export type RunColumn = RecipeKey | FixedColumn;
const fixedColumns = ['model', 'data', 'step', 'loss', 'evalLoss', 'seconds', 'createdAt'] as const;
type FixedColumn = (typeof fixedColumns)[number];

const fixed: Record<FixedColumn, (head: RunHead) => string | number | null> = {
  model: ({ base }) => base.repo ?? base.name,
  data: ({ data }) => data.file,
  step: ({ progress }) => progress.step,
  loss: ({ progress }) => progress.loss,
  evalLoss: ({ progress }) => progress.evalLoss,
  seconds: ({ progress }) => progress.seconds,
  createdAt: ({ createdAt }) => createdAt,
};

/**
 * The columns of a table of these runs: first what differs between them, the settings of their recipes and then model and
 * data; then what they came to. A column that is empty in all of them is left out.
 */
export function runColumns(heads: readonly RunHead[]): { differing: RunColumn[]; common: RunColumn[] } {
  const differs = (column: FixedColumn) => new Set(heads.map(fixed[column])).size > 1;
  const has = (column: FixedColumn) => heads.some((head) => fixed[column](head) !== null);
  return {
    differing: [
      ...differingKeys(heads.map(({ recipe }) => recipe)),
      ...(['model', 'data'] as const).filter(differs),
    ],
    common: (['evalLoss', 'loss', 'step', 'seconds', 'createdAt'] as const).filter(has),
  };
}

/** The value of a column: of a run, or of its recipe. */
export function runValue(head: RunHead, column: RunColumn): Recipe[RecipeKey] | string | number | null {
  return isFixed(column) ? fixed[column](head) : head.recipe[column];
}

export interface RunOrder {
  column: RunColumn | 'name';
  descending: boolean;
}

/** Runs in the order of a column, numbers by size and the rest by their letters; those without a value come last. */
export function sortedRuns<Entry extends RunEntry>(
  entries: readonly Entry[],
  { column, descending }: RunOrder,
): Entry[] {
  const valueOf = ({ head }: Entry) =>
    head === null ? null : column === 'name' ? head.name : runValue(head, column);
  return entries.toSorted((a, b) => {
    const [left, right] = [valueOf(a), valueOf(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return compare(left, right) * (descending ? -1 : 1);
  });
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return textOf(a).localeCompare(textOf(b), undefined, { numeric: true });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isFixed(column: RunColumn): column is FixedColumn {
  return (fixedColumns as readonly string[]).includes(column);
}
