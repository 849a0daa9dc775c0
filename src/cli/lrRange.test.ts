import { expect, it } from 'vitest';
import { succeed } from '../testing/cli.ts';
import { sharedPath } from '../testing/shared.ts';

it('lr-range prints a sweep and what it speaks for', async () => {
  const files = [
    '--model',
    sharedPath('models/stories260k'),
    '--data',
    sharedPath('data/robot-stories.jsonl'),
  ];
  const sweep = ['--from', '1e-4', '--to', '1e-2', '--steps', '16'];
  const { points, suggestion } = JSON.parse(await succeed(['lr-range', ...files, ...sweep])) as {
    points: { lr: number; loss: number }[];
    suggestion: { valley: number; steepest: number };
  };
  expect(points).toHaveLength(16);
  expect(points.map(({ lr }) => lr).slice(0, 1)).toEqual([1e-4]);
  expect(points.at(-1)!.lr).toBeCloseTo(1e-2, 9);
  expect(points.at(-1)!.loss).toBeLessThan(0.7 * points[0]!.loss);
  for (const lr of [suggestion.valley, suggestion.steepest]) {
    expect(lr).toBeGreaterThan(1e-4);
    expect(lr).toBeLessThan(1e-2);
  }
});
