import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);

it('train --memory-budget stays within it, with the bits of training without', async () => {
  const recipe = join(scratch, 'recipe.json');
  // A plan is of a GPU, which takes f16 by itself; what trains here is not one.
  const fields = {
    dtype: 'f32',
    max_steps: 2,
    batch_size: 2,
    grad_accum: 2,
    rank: 4,
    max_length: 48,
    eval_fraction: 0.1,
  };
  writeFileSync(recipe, JSON.stringify(fields));
  const args = ['--model', model, '--data', robotStories, '--recipe', recipe];
  const planned = JSON.parse(await succeed(['plan', ...args])) as { plan: { total: number } };
  const budget = Math.floor(0.9 * planned.plan.total);
  const train = (name: string, ...more: string[]) =>
    runCli(['train', ...args, '--out', join(scratch, name), ...more]);
  expect((await train('whole')).status).toBe(0);
  const { status, stderr } = await train('streamed', '--memory-budget', `${budget}`);
  expect(status, stderr).toBe(0);
  expect(stderr).toContain('On disk until needed: ');
  const peak = Number(/The most GPU memory at once was (\d+) bytes/.exec(stderr)?.[1]);
  expect(peak).toBeLessThanOrEqual(1.05 * budget);
  expect(peak).toBeGreaterThan(0.5 * budget);
  const read = (name: string, file: string) => readFileSync(join(scratch, name, file));
  for (const file of ['metrics.jsonl', 'adapter_model.safetensors']) {
    expect(read('streamed', file).equals(read('whole', file)), file).toBe(true);
  }
  expect(JSON.parse(read('streamed', 'recipe.json').toString())).toMatchObject({ memory_budget: budget });
  const refused = await train('none', '--memory-budget', '100KB');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('the budget is 100000');
});
