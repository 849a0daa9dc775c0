import { expect, it } from 'vitest';
import { succeed } from '../../../testing/cli.ts';
import { robotStories, starter } from '../../../testing/fixtures.ts';

it('lr-range prints a sweep and what it speaks for', async () => {
  const files = ['--model', starter, '--data', robotStories];
  const sweep = ['--from', '1e-4', '--to', '1e-2', '--steps', '16'];
  const { points, suggestion } = JSON.parse(await succeed(['lr-range', ...files, ...sweep])) as {
    points: { lr: number; loss: number; change: number }[];
    suggestion: { lr: number; lowest: number; fall: number };
  };
  expect(points).toHaveLength(16);
  expect(points.map(({ lr }) => lr).slice(0, 1)).toEqual([1e-4]);
  expect(points.at(-1)!.lr).toBeCloseTo(1e-2, 9);
  expect(points.at(-1)!.loss).toBeLessThan(0.7 * points[0]!.loss);
  expect(points[0]!.change).toBeCloseTo(0, 2);
  expect(suggestion.lr).toBe(suggestion.lowest / 2);
  expect(suggestion.lowest).toBeGreaterThan(1e-4);
  expect(suggestion.lowest).toBeLessThanOrEqual(1e-2);
  expect(suggestion.fall).toBeGreaterThan(0.2);
});
