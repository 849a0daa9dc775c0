import type { TokenizedSummary } from '../workers/dataProtocol.ts';
import type { DataShapes, FitProposal, PlannedRun, StreamingRung } from '../workers/protocol.ts';
import { rungFor } from '../lib/rungFor.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import type { SliceOf, Studio } from './state.ts';

export interface MemoryState {
  /** A newer plan is on its way; the one shown is of before. */
  planning: boolean;
  /** What the recipe of now will take on the open model; null where there is none. */
  plan: PlannedRun | null;
  /** Whether it was planned on the data; else on rows of the maximal length. */
  onData: boolean;
  /** What to change where it exceeds the memory there is; null where nothing need be. */
  advice: Advice | null;
  /** The ways to run it by memory, the most first; null until they are known. */
  rungs: StreamingRung[] | null;
  error: ErrorNote | null;
}

/** Proposals in the order to take them, and where they lead. */
export interface Advice {
  proposals: FitProposal[];
  /** Whether the recipe fits with all of them, and what it then takes. */
  fits: boolean;
  total: number;
}

export interface MemorySlice {
  memory: MemoryState;
  /** Plans again soon: once for all changes of a moment. */
  replan(): void;
  /** Whether the ways to run a recipe are looked at; they take many plans, so nobody else waits for them. */
  watchRungs(watched: boolean): void;
}

/** How a plan stands to the device. `unknown`: nobody said how much memory there is; `streams`: with parts on disk. */
export type Fit = 'unknown' | 'fits' | 'streams' | 'tight' | 'over' | 'refused';

/** Of a budget, what is better left to the system and the browser. */
const TIGHT = 0.9;

/**
 * How a plan stands to the memory there is.
 * @param budget bytes of GPU memory; null where nobody said
 * @param maxBinding bytes a shader may use of one buffer; null before the device is known
 */
export function fitOf(
  { total, largestBinding, streaming }: Pick<PlannedRun, 'total' | 'largestBinding' | 'streaming'>,
  budget: number | null,
  maxBinding: number | null,
): Fit {
  if (maxBinding !== null && largestBinding.bytes > maxBinding) return 'refused';
  if (budget !== null && total > budget) return 'over';
  if (streaming.slots !== null || streaming.ends || streaming.spill) return 'streams';
  if (budget === null) return 'unknown';
  return total > budget * TIGHT ? 'tight' : 'fits';
}

/** Bytes of GPU memory the person said there are; null for unknown. */
export function budgetOf({ prefs }: Pick<Studio, 'prefs'>): number | null {
  return prefs.gpuMemoryGB === null ? null : prefs.gpuMemoryGB * 1e9;
}

/** Whether what a plan depends on has changed between two states of the page. */
export function plansDiffer(now: Studio, before: Studio): boolean {
  return (
    now.recipe.draft !== before.recipe.draft ||
    now.model.summary !== before.model.summary ||
    now.dataset.tokenized !== before.dataset.tokenized ||
    now.prefs.gpuMemoryGB !== before.prefs.gpuMemoryGB ||
    now.device.report !== before.device.report
  );
}

export const emptyMemory: MemoryState = {
  planning: false,
  plan: null,
  onData: false,
  advice: null,
  rungs: null,
  error: null,
};

/** Which way a budget gets: the fastest that fits, the least where none does. @param budget bytes; 0 for no limit */
export function rungAt(rungs: readonly StreamingRung[], budget: number): number {
  const rung = rungFor(rungs, budget);
  return rung ? rungs.indexOf(rung) : rungs.length - 1;
}

/** Time for a person to finish typing, in ms. */
const PAUSE = 200;

export const createMemorySlice: SliceOf<MemorySlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<MemoryState>) =>
      set(({ memory }) => ({ memory: { ...memory, ...changes } }));
    let pause: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    let watching = false;
    let again = false;
    let known: { of: TokenizedSummary; shapes: DataShapes } | null = null;

    const shapesOf = async (of: TokenizedSummary | null): Promise<DataShapes | null> => {
      if (!of || of.rows === 0) return null;
      if (known?.of !== of) known = { of, shapes: await workers.data.call.rowShapes() };
      return known.shapes;
    };

    let ways: { of: string; shapes: DataShapes | null; rungs: StreamingRung[] } | null = null;

    /** The ways to run a recipe don't depend on its budget: they are worked out once for all its values. */
    const rungsOf = async ({ recipe, model }: Studio, shapes: DataShapes | null) => {
      const draft = { ...recipe.draft, memory_budget: 0 };
      const of = JSON.stringify([draft, model.hub?.commit ?? null, model.summary]);
      if (ways?.of !== of || ways.shapes !== shapes) {
        ways = { of, shapes, rungs: await workers.engine.call.streamingRungs(draft, shapes) };
      }
      return ways.rungs;
    };

    const planOnce = async () => {
      const state = get();
      const { draft } = state.recipe;
      const budget = budgetOf(state);
      if (state.model.status !== 'ready' || state.device.status !== 'ready')
        return set({ memory: emptyMemory });
      patch({ planning: true });
      try {
        const shapes = await shapesOf(state.dataset.tokenized);
        const plan = await workers.engine.call.planMemory(draft, shapes);
        const fit = fitOf(plan, budget, state.device.report?.maxBindingBytes ?? null);
        let advice: Advice | null = null;
        if (!again && (fit === 'over' || fit === 'refused')) {
          const fitted = await workers.engine.call.fitRecipe(draft, shapes, budget ?? Infinity);
          advice = { proposals: fitted.proposals, fits: fitted.fits, total: fitted.plan.total };
        }
        if (again || get().model.status !== 'ready') return;
        // The plan is shown at once; how it could be run with less follows.
        const { rungs: before } = get().memory;
        const shown = { planning: false, plan, onData: shapes !== null, advice, error: null };
        set({ memory: { ...shown, rungs: before } });
        if (!watching || again) return;
        const rungs = await rungsOf(state, shapes).catch(() => null);
        if (!again && get().model.status === 'ready') patch({ rungs });
      } catch (error) {
        known = null;
        if (!again) set({ memory: { ...emptyMemory, error: noteOf(error) } });
      }
    };

    const plan = async () => {
      // The engine answers one plan at a time: of the requests meanwhile only the last one counts.
      again = running;
      if (running) return;
      running = true;
      do {
        again = false;
        await planOnce();
      } while (again);
      running = false;
    };

    return {
      memory: emptyMemory,
      watchRungs(watched) {
        watching = watched;
        if (watched) get().replan();
      },
      replan() {
        if (get().memory.plan) patch({ planning: true });
        clearTimeout(pause);
        pause = setTimeout(() => void plan(), PAUSE);
      },
    };
  };
