import { describe, expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import type { Sweep, SweepRun } from '../../content/runs/sweep.ts';
import { bestRun, defaultRungs, ranking, rungStep, standing } from './halving.ts';

const newRun = (totalSteps = 40): SweepRun => ({
  name: 'run',
  recipe: defaultRecipe(),
  id: null,
  steps: 0,
  totalSteps,
  rungs: [],
  end: null,
});

type Losses = (run: number, step: number) => number | null | 'fails' | 'ends';

/** Runs a sweep whose losses are known. @param resumed reads it back from JSON after each change */
function simulate(
  count: number,
  { eta = 2, rungs = defaultRungs(count, eta) },
  losses: Losses,
  resumed = false,
) {
  let sweep: Pick<Sweep, 'eta' | 'rungs' | 'runs'> = {
    eta,
    rungs,
    runs: Array.from({ length: count }, () => newRun()),
  };
  const order: [number, number][] = [];
  for (let next = standing(sweep).next; next; next = standing(sweep).next) {
    const run = sweep.runs[next.index]!;
    const step = next.until ?? run.totalSteps;
    const loss = losses(next.index, step);
    order.push([next.index, step]);
    run.id = `run-${next.index}`;
    if (loss === 'fails') run.end = { kind: 'failed', loss: null, failure: null };
    else if (loss === 'ends') run.end = { kind: 'finished', loss: next.index, failure: null };
    else if (next.rung === null) run.end = { kind: 'finished', loss, failure: null };
    else run.rungs[next.rung] = loss;
    run.steps = step;
    if (resumed) sweep = JSON.parse(JSON.stringify(sweep)) as typeof sweep;
  }
  return { sweep, order, states: standing(sweep).states };
}

describe('rungs', () => {
  it.each([
    [1, 2, 0],
    [2, 2, 1],
    [3, 2, 2],
    [4, 2, 2],
    [5, 2, 3],
    [100, 2, 3],
    [9, 3, 2],
    [8, 1, 0],
  ])('of %i recipes, eta %i: %i', (recipes, eta, rungs) => expect(defaultRungs(recipes, eta)).toBe(rungs));

  it('are parts of a run’s own steps, from 1 to its end', () => {
    const steps = (total: number, eta: number, rungs: number) =>
      Array.from({ length: rungs }, (_, rung) => rungStep(total, rung, { eta, rungs }));
    expect(steps(40, 2, 3)).toEqual([5, 10, 20]);
    expect(steps(90, 3, 2)).toEqual([10, 30]);
    expect(steps(2, 2, 3)).toEqual([1, 1, 1]);
  });
});

describe('successive halving', () => {
  it('keeps the better half at each rung, and ends with one', () => {
    // The last to begin is the best; the first two are close together.
    const losses = [2.1, 2.0, 1.5, 1.0];
    const { order, states, sweep } = simulate(4, {}, (run) => losses[run]!);
    expect(order).toEqual([
      [0, 10],
      [1, 10],
      [2, 10],
      [3, 10],
      [2, 20],
      [3, 20],
      [3, 40],
    ]);
    expect(states).toEqual(['stopped', 'stopped', 'stopped', 'finished']);
    expect(bestRun(sweep)).toBe(3);
    expect(ranking(sweep)).toEqual([3, 2, 1, 0]);
  });

  it('rounds the part that goes on up, and of equal losses takes the first', () => {
    expect(simulate(3, { rungs: 1 }, () => 1).states).toEqual(['finished', 'finished', 'stopped']);
    expect(simulate(9, { eta: 3 }, (run) => run).order.map(([run]) => run)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 0,
    ]);
  });

  it('ranks by the loss at the rung, not the one before', () => {
    const { sweep } = simulate(4, {}, (run, step) => (step === 10 ? run : 10 - run));
    expect(bestRun(sweep)).toBe(1);
    expect(sweep.runs.map(({ rungs }) => rungs)).toEqual([[0, 10], [1, 9], [2], [3]]);
  });

  it('trains all to their end with eta 1, or without rungs', () => {
    for (const how of [{ eta: 1 }, { eta: 1, rungs: 2 }, { rungs: 0 }])
      expect(simulate(3, how, (run) => run).states).toEqual(['finished', 'finished', 'finished']);
  });

  it('goes on without runs that fail, and takes a loss that is not finite for the worst', () => {
    const { states, sweep } = simulate(4, {}, (run) => (run === 3 ? 'fails' : run === 0 ? null : run));
    expect(states).toEqual(['stopped', 'finished', 'stopped', 'failed']);
    expect(ranking(sweep).at(-1)).toBe(3);
    const none = simulate(2, {}, () => 'fails');
    expect(none.states).toEqual(['failed', 'failed']);
    expect(bestRun(none.sweep)).toBeNull();
  });

  it('compares a run that has ended before a rung by the loss of its end', () => {
    const { states, order } = simulate(4, {}, (run, step) =>
      run === 1 ? 'ends' : run === 0 ? 3 - step / 20 : 5,
    );
    // Run 1 has ended with a loss of 1: it is neither trained on nor stopped.
    expect(order.filter(([run]) => run === 1)).toEqual([[1, 10]]);
    expect(states).toEqual(['stopped', 'finished', 'stopped', 'stopped']);
  });

  it('is the same when it is read from disk after every change', () => {
    const losses: Losses = (run, step) => (run === 5 ? 'fails' : ((run * 7) % 8) + 1 / step);
    const { sweep, order, states } = simulate(8, {}, losses);
    const again = simulate(8, {}, losses, true);
    expect({ sweep: again.sweep, order: again.order, states: again.states }).toEqual({
      sweep,
      order,
      states,
    });
  });
});
