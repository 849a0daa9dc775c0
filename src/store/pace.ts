import * as v from 'valibot';
import type { StoreApi } from 'zustand/vanilla';
import type { Recipe } from '../config/recipe.ts';
import type { Metrics } from './metrics.ts';
import { plannedSteps } from './plan.ts';
import type { Studio } from './state.ts';

/** How fast a run went here. */
export interface Pace {
  /** What it hangs on: device, model, and how the recipe computes. */
  of: string;
  tokensPerSecond: number;
}

const STORAGE_KEY = 'graft.pace';
const MOST = 20;
const schema = v.array(
  v.object({ of: v.string(), tokensPerSecond: v.pipe(v.number(), v.gtValue(0), v.finite()) }),
);

/**
 * Keeps how fast runs went in this browser: of each device, model and method the last one, that of a run of steps
 * enough to say something.
 */
export function keepPace(store: StoreApi<Studio>, metrics: Metrics): void {
  store.subscribe((state, before) => {
    if (state.run.status !== 'done' || before.run.status === 'done' || metrics.length < 3) return;
    const of = paceKey(state, state.run.recipe ?? state.recipe.draft);
    const speed = metrics.latest?.tokensPerSecond ?? 0;
    if (of === null || !(speed > 0)) return;
    const others = readPaces().filter((pace) => pace.of !== of);
    writePaces([{ of, tokensPerSecond: speed }, ...others].slice(0, MOST));
  });
}

/** About how long a run by the recipe of now takes here; null where no run like it was measured, or without data. */
export function timeEstimate(
  state: Pick<Studio, 'device' | 'model' | 'dataset' | 'recipe'>,
): { seconds: number; tokensPerSecond: number } | null {
  const { tokenized } = state.dataset;
  const { draft } = state.recipe;
  const of = paceKey(state, draft);
  if (!tokenized || tokenized.rows === 0 || of === null) return null;
  const pace = readPaces().find((candidate) => candidate.of === of);
  if (!pace) return null;
  const rowsAStep = Math.min(draft.batch_size * draft.grad_accum, tokenized.rows);
  const tokens = plannedSteps(draft, tokenized.rows) * rowsAStep * (tokenized.tokens / tokenized.rows);
  return { seconds: tokens / pace.tokensPerSecond, tokensPerSecond: pace.tokensPerSecond };
}

function paceKey(
  { device, model }: Pick<Studio, 'device' | 'model'>,
  { method, dtype, memory_budget: budget }: Recipe,
): string | null {
  if (!device.report || !model.summary) return null;
  const { name, parameters } = model.summary;
  return JSON.stringify([device.report.description, name, parameters, method, dtype, budget]);
}

function readPaces(): Pace[] {
  try {
    const result = v.safeParse(schema, JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]'));
    return result.success ? result.output : [];
  } catch {
    return [];
  }
}

function writePaces(paces: readonly Pace[]): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(paces));
  } catch {
    // Private windows may deny storage: then nothing is known of earlier runs.
  }
}
