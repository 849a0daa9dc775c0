import * as v from 'valibot';
import type { StoreApi } from 'zustand/vanilla';
import type { Recipe } from '../../base/config/recipe.ts';
import type { Metrics } from './metrics.ts';
import { plannedSteps } from './plan.ts';
import type { Studio } from './state.ts';

/** The measured speed of a run on this device. */
export interface Pace {
  /** What it depends on: device, model, and how the recipe computes. */
  of: string;
  /** Mean of the run. */
  tokensPerSecond: number;
  /** From the start to the end of the first step; absent in older records. */
  firstStepSeconds?: number | undefined;
}

const STORAGE_KEY = 'graft.pace';
const MAX_PACES = 20;
const schema = v.array(
  v.object({
    of: v.string(),
    tokensPerSecond: v.pipe(v.number(), v.gtValue(0), v.finite()),
    firstStepSeconds: v.optional(v.pipe(v.number(), v.gtValue(0), v.finite())),
  }),
);

/** Stores the speed of a run in this browser, if it had enough steps: the latest for each device, model and method. */
export function recordPace(store: StoreApi<Studio>, metrics: Metrics): void {
  store.subscribe((state, before) => {
    if (state.run.status !== 'done' || before.run.status === 'done' || metrics.length < 3) return;
    const of = paceKey(state, state.run.recipe ?? state.recipe.draft);
    const speed = metrics.meanTokensPerSecond;
    if (of === null || !(speed > 0)) return;
    const others = readPaces().filter((pace) => pace.of !== of);
    const firstStepSeconds = state.run.firstStep?.seconds;
    writePaces([{ of, tokensPerSecond: speed, firstStepSeconds }, ...others].slice(0, MAX_PACES));
  });
}

/** Estimated time of a run with the current recipe; null without a comparable measurement, or without data. */
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

/**
 * Estimated seconds from the start of a run with the current recipe to the end of its first step: as it took last time, or
 * by another model on this device, in proportion to its parameters; null without either.
 */
export function firstStepEstimate(state: Pick<Studio, 'device' | 'model' | 'recipe'>): number | null {
  const of = paceKey(state, state.recipe.draft);
  return of === null ? null : firstStepOf(readPaces(), of);
}

/** As `firstStepEstimate`, of these measurements. */
export function firstStepOf(paces: readonly Pace[], of: string): number | null {
  const measured = paces.filter(({ firstStepSeconds }) => firstStepSeconds !== undefined);
  const same = measured.find((pace) => pace.of === of)?.firstStepSeconds;
  if (same !== undefined) return same;
  const [device, parameters] = sizeOf(of);
  const other = measured.find((pace) => sizeOf(pace.of)[0] === device);
  if (!other) return null;
  // A smaller model compiles as many shaders.
  return other.firstStepSeconds! * Math.max(1, parameters / sizeOf(other.of)[1]);
}

/** Device and parameters of a key. */
function sizeOf(key: string): [string, number] {
  const [device, , parameters] = JSON.parse(key) as [string, string, number];
  return [device, parameters];
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
    // Private windows may deny storage: then no earlier runs are known.
  }
}
