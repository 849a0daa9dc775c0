import { expect, it } from 'vitest';
import { kinds } from '../src/testing/kills/kinds.ts';

/** Kills of each kind; `npm run kills` makes many more (docs/reliability.md). */
const counts: Record<keyof typeof kinds, number> = {
  saves: 20,
  trainings: 2,
  merges: 4,
  downloads: 3,
  imports: 3,
};

it.each(Object.entries(counts))('%s survive %i kills in Chromium', async (name, count) => {
  const figures = await kinds[name]!.kill({ browser: 'chromium', seed: 1, count });
  console.info(`${name}: ${JSON.stringify(figures)}`);
  expect(figures.kills).toBeGreaterThanOrEqual(count);
});

it('trainings survive kills in Firefox', async () => {
  const figures = await kinds.trainings!.kill({ browser: 'firefox', seed: 1, count: 2 });
  expect(figures.kills).toBe(2);
});
