import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { MemoryPlan, MemoryUse } from '../../../engine/train/memoryPlan.ts';
import { fail, filesIn, interruptAfter, runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const at = (file: string) => join(scratch, file);

function write(file: string, content: object | object[]): string {
  const rows = Array.isArray(content) ? content : [content];
  writeFileSync(at(file), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return at(file);
}

const things = ['ball', 'cat', 'tree', 'boat', 'star', 'bird'];
const pairs = write(
  'pairs.jsonl',
  things.map((thing) => ({
    prompt: `Tell a story about a ${thing}.`,
    chosen: `Zip found a ${thing}. Zip was happy.`,
    rejected: `No.`,
  })),
);
const short = { rank: 4, lr: 5e-3, batch_size: 2, warmup_steps: 0, max_length: 64, eval_fraction: 0 };
const train = (out: string, ...args: string[]) => ['train', '--model', starter, '--out', at(out), ...args];

interface Metrics {
  loss: number;
  rewards_chosen: number;
  rewards_rejected: number;
  margin: number;
  accuracy: number | null;
}
const metricsOf = (out: string) =>
  readFileSync(join(at(out), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Metrics);

it('DPO learns which answers are better, and resumes to the same files', async () => {
  const recipe = write('dpo.json', { ...short, max_steps: 8, checkpoint_steps: 1 });
  const args = ['--data', pairs, '--recipe', recipe, '--objective', 'dpo'];
  await succeed(train('whole', ...args));
  const metrics = metricsOf('whole');
  expect(metrics).toHaveLength(8);
  expect(metrics[0]!.loss).toBeCloseTo(Math.LN2, 4);
  const last = metrics.at(-1)!;
  expect(last.loss).toBeLessThan(0.5);
  expect(last.margin).toBeGreaterThan(0.5);
  expect(last.margin).toBeCloseTo(last.rewards_chosen - last.rewards_rejected, 6);
  expect(last.accuracy).toBe(1);

  const kept = ['--checkpoints', at('kept')];
  await interruptAfter('step 4/', train('resumed', ...args, ...kept), 'SIGKILL');
  const { status, stderr } = await runCli(train('resumed', ...args, ...kept, '--resume'));
  expect({ status, stderr }).toMatchObject({ status: 0 });
  for (const file of filesIn(at('whole')).filter((name) => name !== 'README.md'))
    expect(readFileSync(join(at('resumed'), file)).equals(readFileSync(join(at('whole'), file))), file).toBe(
      true,
    );
});

it('plans both sequences of a pair, and when the reference is computed', async () => {
  const recipe = write('plan.json', { ...short, objective: 'dpo', epochs: 2 });
  const { plan, measured } = JSON.parse(
    await succeed(['plan', '--model', starter, '--data', pairs, '--recipe', recipe, '--measure']),
  ) as { plan: MemoryPlan; measured: MemoryUse };
  expect(plan).toMatchObject(measured);
  expect(plan.reference).toEqual({ when: 'once', bytes: 2 * 8 * things.length });
});

it.each<[string, string[], RegExp]>([
  ['an unknown objective', ['--objective', 'ppo'], /"objective" is "ppo", but must be one of "sft"/],
  ['pairs without an objective', [], /"sft" has no use for worse ones/],
])('refuses %s', async (_, args, message) => {
  expect(await fail(train('refused', '--data', pairs, ...args))).toMatch(message);
});

it('KTO learns from answers that are good or bad, in batches of two and more', async () => {
  const rows = things.flatMap((thing) => [
    { prompt: `Tell a story about a ${thing}.`, completion: `Zip found a ${thing}.`, label: true },
    { prompt: `Tell a story about a ${thing}.`, completion: 'No.', label: false },
  ]);
  const data = write('labels.jsonl', rows);
  const one = write('one.json', { ...short, objective: 'kto', batch_size: 1 });
  expect(await fail(train('one', '--data', data, '--recipe', one))).toMatch(/batch_size of 1/);
  const recipe = write('kto.json', { ...short, objective: 'kto', max_steps: 6, shuffle: false });
  await succeed(train('kto', '--data', data, '--recipe', recipe));
  const metrics = metricsOf('kto');
  expect(metrics[0]!.loss).toBeCloseTo(0.5, 5);
  expect(metrics.at(-1)!.margin).toBeGreaterThan(metrics[0]!.margin);
  expect(metrics.at(-1)!.accuracy).toBeNull();
});
