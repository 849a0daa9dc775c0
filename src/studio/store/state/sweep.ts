import type { Recipe, RecipeKey } from '../../../base/config/recipe.ts';
import type { RunDetail, SweepReport } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** A setting that a sweep varies, and its values as they are written: `1e-4, 3e-4`. */
export interface SweepAxis {
  key: RecipeKey;
  values: string;
}

export interface SweepState {
  /** What the next sweep varies, each setting once. */
  axes: SweepAxis[];
  /** Whether the worse half is stopped at each rung. */
  halving: boolean;
  /** Stored sweeps, the newest first. */
  entries: SweepReport[];
  /** The sweep that is shown; null for the newest. */
  shown: string | null;
  /** The sweep that trains here. */
  training: string | null;
  /** Curves of the runs of the shown sweep, by the runs' ids. */
  curves: Record<string, RunDetail['curves']>;
  error: ErrorNote | null;
}

export interface SweepSlice {
  sweep: SweepState;
  /** Reads the list of stored sweeps, and the curves of the one that is shown. */
  refreshSweeps(): Promise<void>;
  showSweep(id: string): Promise<void>;
  setAxis(at: number, change: Partial<SweepAxis>): void;
  addAxis(): void;
  removeAxis(at: number): void;
  setHalving(halving: boolean): void;
  /** Trains the combinations of all values on the recipe, after confirmation if that would discard an unsaved adapter. */
  startSweep(): Promise<void>;
  /** Opens the model of a sweep, if it can be found, and continues it. */
  resumeSweep(id: string): Promise<void>;
  removeSweep(id: string): Promise<void>;
  /** Takes a recipe of a sweep as the page's. */
  takeRecipe(recipe: Recipe): void;
  dismissSweepError(): void;
}

export const emptySweep: SweepState = {
  axes: [{ key: 'lr', values: '1e-4, 3e-4, 1e-3, 3e-3' }],
  halving: true,
  entries: [],
  shown: null,
  training: null,
  curves: {},
  error: null,
};
