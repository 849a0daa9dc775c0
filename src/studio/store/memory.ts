import type { TokenizedSummary } from '../../hosts/browser/dataProtocol.ts';
import type { DataShapes, PlannedRun, OffloadLevel } from '../../hosts/browser/protocol.ts';
import { pickLevel } from '../../base/lib/pickLevel.ts';
import { noteOf } from './errorNote.ts';
import type { SliceOf, Studio } from './state.ts';
import { emptyMemory, type MemoryState, type Advice, type MemorySlice } from './state/memory.ts';

/** How a plan fits the device. `unknown`: the amount of memory is unknown; `streams`: with parts on disk. */
export type Fit = 'unknown' | 'fits' | 'streams' | 'tight' | 'over' | 'refused';

/** Share of a budget beyond which it is tight: the rest is for the system and the browser. */
const TIGHT = 0.9;

/**
 * How a plan fits the available memory.
 * @param budget bytes of GPU memory; null if unknown
 * @param maxBinding maximum bytes of a buffer binding; null before the device is known
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

/** Bytes of GPU memory entered by the user; null for unknown. */
export function budgetOf({ prefs }: Pick<Studio, 'prefs'>): number | null {
  return prefs.gpuMemoryGB === null ? null : prefs.gpuMemoryGB * 1e9;
}

/** Whether an input of the plan differs between two states of the page. */
export function plansDiffer(now: Studio, before: Studio): boolean {
  return (
    now.recipe.draft !== before.recipe.draft ||
    now.model.summary !== before.model.summary ||
    now.dataset.tokenized !== before.dataset.tokenized ||
    now.prefs.gpuMemoryGB !== before.prefs.gpuMemoryGB ||
    now.device.report !== before.device.report
  );
}

/**
 * The level for a budget: the fastest that fits, or the smallest if none does.
 * @param budget bytes; 0 for no limit
 */
export function levelAt(levels: readonly OffloadLevel[], budget: number): number {
  const level = pickLevel(levels, budget);
  return level ? levels.indexOf(level) : levels.length - 1;
}

/** Debounce time for typing, in ms. */
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

    let ways: { of: string; shapes: DataShapes | null; levels: OffloadLevel[] } | null = null;

    /** The levels of a recipe don't depend on its budget: they are computed once for all budgets. */
    const levelsOf = async ({ recipe, model }: Studio, shapes: DataShapes | null) => {
      const draft = { ...recipe.draft, memory_budget: 0 };
      const of = JSON.stringify([draft, model.hub?.commit ?? null, model.summary]);
      if (ways?.of !== of || ways.shapes !== shapes) {
        ways = { of, shapes, levels: await workers.engine.call.offloadLevels(draft, shapes) };
      }
      return ways.levels;
    };

    /** Whether the engine has the model of the page: it has none from its loss until it is opened again. */
    const isModelHere = ({ model, run }: Studio) => model.status === 'ready' && !run.modelLost;

    const planOnce = async () => {
      const state = get();
      const { draft } = state.recipe;
      const budget = budgetOf(state);
      if (state.model.status !== 'ready' || state.device.status !== 'ready')
        return set({ memory: emptyMemory });
      if (!isModelHere(state)) return patch({ planning: false });
      /** Another model, or none: there is nothing to plan, or its own plan follows. */
      const isOver = () => !isModelHere(get()) || get().model.summary !== state.model.summary;
      patch({ planning: true });
      try {
        const shapes = await shapesOf(state.dataset.tokenized);
        if (isOver()) return patch({ planning: false });
        const plan = await workers.engine.call.planMemory(draft, shapes);
        const fit = fitOf(plan, budget, state.device.report?.maxBindingBytes ?? null);
        let advice: Advice | null = null;
        if (!again && (fit === 'over' || fit === 'refused')) {
          const fitted = await workers.engine.call.fitRecipe(draft, shapes, budget ?? Infinity);
          advice = { proposals: fitted.proposals, fits: fitted.fits, total: fitted.plan.total };
        }
        if (again || isOver()) return patch({ planning: false });
        // The plan is shown at once; the levels follow.
        const { levels: before } = get().memory;
        const shown = { planning: false, plan, onData: shapes !== null, advice, error: null };
        set({ memory: { ...shown, levels: before } });
        get().planned(draft, plan);
        if (!watching || again) return;
        const levels = await levelsOf(state, shapes).catch(() => null);
        if (!again && !isOver()) patch({ levels });
      } catch (error) {
        known = null;
        if (isOver()) return patch({ planning: false });
        if (!again) set({ memory: { ...emptyMemory, error: noteOf(error) } });
      }
    };

    const plan = async () => {
      // The engine computes one plan at a time: of the requests meanwhile only the last one counts.
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
      watchLevels(watched) {
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
