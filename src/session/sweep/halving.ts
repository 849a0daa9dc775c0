import type { Sweep, SweepRun } from '../../content/runs/sweep.ts';

/** Where nobody says: at each rung the better half goes on. */
export const DEFAULT_ETA = 2;

/** More rungs than these would judge runs by their first few steps. */
const MOST_RUNGS = 3;

/** What a run of a sweep is doing: `stopped` was left behind at a rung, `paused` waits for the others to reach one. */
export type SweepRunState = 'waiting' | 'paused' | 'stopped' | 'finished' | 'failed';

/** What a sweep does next: train a run up to a step, its end where that is null. */
export interface NextRun {
  index: number;
  /** The rung at that step; null for the end. */
  rung: number | null;
  until: number | null;
}

/** As many rungs as leave one run, at most three. */
export function defaultRungs(recipes: number, eta: number): number {
  let rungs = 0;
  for (let left = recipes; eta > 1 && left > 1 && rungs < MOST_RUNGS; left = kept(left, eta)) rungs += 1;
  return rungs;
}

/** The step of a rung: the last is at 1/eta of a run's steps, each before it at 1/eta of the next. From 1. */
export function rungStep(
  totalSteps: number,
  rung: number,
  { eta, rungs }: Pick<Sweep, 'eta' | 'rungs'>,
): number {
  return Math.min(totalSteps, Math.max(1, Math.round(totalSteps / eta ** (rungs - rung))));
}

/**
 * Successive halving: all runs are trained to the first rung, the best 1/eta of them (rounded up) to the second, and so on
 * to their end. Everything follows from the losses, so a sweep that was cut off goes on as if it had not been.
 * @returns what each run is doing, and which is next; null where the sweep is over
 */
export function standing(sweep: Pick<Sweep, 'eta' | 'rungs' | 'runs'>): {
  states: SweepRunState[];
  next: NextRun | null;
} {
  const { runs, rungs } = sweep;
  let alive = runs.map((_, index) => index);
  const states = (): SweepRunState[] =>
    runs.map(({ end, id }, index) => {
      if (end) return end.kind;
      if (!alive.includes(index)) return 'stopped';
      return id === null ? 'waiting' : 'paused';
    });
  for (let rung = 0; rung < rungs; rung++) {
    const index = alive.find((one) => lossAt(runs[one]!, rung) === undefined);
    if (index !== undefined) {
      const until = rungStep(runs[index]!.totalSteps, rung, sweep);
      return { states: states(), next: { index, rung, until } };
    }
    const able = alive.filter((one) => runs[one]!.end?.kind !== 'failed');
    const best = able.sort((a, b) => byLoss(lossAt(runs[a]!, rung), lossAt(runs[b]!, rung)) || a - b);
    alive = best.slice(0, kept(alive.length, sweep.eta)).sort((a, b) => a - b);
  }
  const index = alive.find((one) => runs[one]!.end === null);
  return { states: states(), next: index === undefined ? null : { index, rung: null, until: null } };
}

/** The finished run of the lowest loss; null where none is finished with a finite one. */
export function bestRun({ runs }: Pick<Sweep, 'runs'>): number | null {
  const finished = ranking({ runs }).filter((index) => runs[index]!.end?.kind === 'finished');
  const [best] = finished;
  return best === undefined || runs[best]!.end!.loss === null ? null : best;
}

/** All runs, the best first: those that went further before those that were stopped earlier, then by loss. */
export function ranking({ runs }: Pick<Sweep, 'runs'>): number[] {
  const order = (run: SweepRun): number => {
    if (run.end?.kind === 'failed') return -1;
    return run.end ? Infinity : run.rungs.length;
  };
  return runs
    .map((_, index) => index)
    .sort(
      (a, b) =>
        byNumber(order(runs[b]!), order(runs[a]!)) || byLoss(lastLoss(runs[a]!), lastLoss(runs[b]!)) || a - b,
    );
}

/** The last evaluation loss that counts for a run; null before its first, and where it is not finite. */
export function lastLoss({ end, rungs }: SweepRun): number | null {
  if (end) return end.loss;
  return rungs.at(-1) ?? null;
}

/** Of a run that has ended before a rung, that of its end; undefined where the rung is yet to be reached. */
function lossAt({ end, rungs }: SweepRun, rung: number): number | null | undefined {
  return rungs[rung] === undefined ? (end ? end.loss : undefined) : rungs[rung];
}

function kept(runs: number, eta: number): number {
  return Math.ceil(runs / eta);
}

/** What is not a number is worse than any. */
function byLoss(a: number | null | undefined, b: number | null | undefined): number {
  return byNumber(a ?? Infinity, b ?? Infinity);
}

/** Infinity less itself is no number. */
function byNumber(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
