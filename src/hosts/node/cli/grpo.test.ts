import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { MemoryPlan, MemoryUse } from '../../../engine/train/memoryPlan.ts';
import { fail, filesIn, interruptAfter, runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { smallSums as sums, smallSumsRecipe, starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const at = (file: string) => join(scratch, file);
const example = JSON.parse(readFileSync(smallSumsRecipe, 'utf8')) as object;

function recipeFile(name: string, changes: object): string {
  writeFileSync(at(name), JSON.stringify({ ...example, dtype: 'f32', ...changes }));
  return at(name);
}
const train = (out: string, recipe: string, ...args: string[]) => [
  ...['train', '--model', starter, '--data', sums, '--recipe', recipe, '--out', at(out), ...args],
];

interface Metrics {
  reward: number;
  reward_std: number;
  rewards: Record<string, number>;
  kl: number | null;
  completion_length: number;
  clip_ratio: number;
  frac_reward_zero_std: number;
}
const metricsOf = (out: string) =>
  readFileSync(join(at(out), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Metrics);
const meanReward = (steps: Metrics[]) => steps.reduce((sum, { reward }) => sum + reward, 0) / steps.length;

it('the starter model learns to add from rewards alone', async () => {
  const recipe = recipeFile('example.json', { max_steps: 14, eval_steps: 14 });
  const { stderr } = await runCli(train('example', recipe));
  const metrics = metricsOf('example');
  expect(meanReward(metrics.slice(0, 2))).toBeLessThan(0.2);
  expect(meanReward(metrics.slice(-3))).toBeGreaterThan(0.8);
  // Sums that were held out.
  expect(stderr).toMatch(/step 14 {2}eval reward (1\.0000|0\.[89])/);
  expect(stderr).toMatch(/The highest eval reward was/);
  expect(stderr).toMatch(/step 1 {2}the best of 8 answers, reward [01]\.0000: "/);
});

it('resumes to the same files, in the middle of a sample too', async () => {
  const recipe = recipeFile('resumed.json', {
    max_steps: 5,
    eval_fraction: 0,
    num_iterations: 2,
    beta: 0.1,
    batch_size: 1,
    checkpoint_steps: 1,
    rewards: [{ kind: 'contains' }, { kind: 'length', unit: 'tokens', max: 3, weight: 0.5 }],
  });
  await succeed(train('whole', recipe));
  for (const { rewards, kl, frac_reward_zero_std } of metricsOf('whole')) {
    expect(Object.keys(rewards)).toEqual(['contains', 'length']);
    expect(kl).toBeGreaterThanOrEqual(0);
    expect(frac_reward_zero_std).toBeLessThanOrEqual(1);
  }
  const kept = ['--checkpoints', at('kept')];
  await interruptAfter('step 3/', train('resumed', recipe, ...kept), 'SIGKILL');
  const { status, stderr } = await runCli(train('resumed', recipe, ...kept, '--resume'));
  expect({ status, stderr }).toMatchObject({ status: 0 });
  for (const file of filesIn(at('whole')).filter((name) => name !== 'README.md'))
    expect(readFileSync(join(at('resumed'), file)).equals(readFileSync(join(at('whole'), file))), file).toBe(
      true,
    );
});

it('plans completions as long as they may be, and what sampling them takes', async () => {
  const recipe = recipeFile('plan.json', { beta: 0.1 });
  const { plan, measured } = JSON.parse(
    await succeed(['plan', '--model', starter, '--data', sums, '--recipe', recipe, '--measure']),
  ) as { plan: MemoryPlan; measured: MemoryUse };
  expect(plan).toMatchObject(measured);
  expect(plan.targets).toBe(4 * 8 * 10);
});

it.each<[string, object, RegExp]>([
  ['no rewards', { rewards: [] }, /"rewards" is empty/],
  ['packing', { packing: true }, /"grpo" does not go with "packing" of true/],
  ['a reward with a wrong key', { rewards: [{ kind: 'exact', colum: 'a' }] }, /entry 1 has no "colum"/],
])('refuses %s', async (name, changes, message) => {
  expect(await fail(train('refused', recipeFile(`${name}.json`, changes)))).toMatch(message);
});

it('refuses a learning-rate range, and a job for a cluster', async () => {
  const recipe = recipeFile('refused.json', {});
  const given = ['--model', starter, '--data', sums, '--recipe', recipe];
  expect(await fail(['lr-range', ...given])).toMatch(/losses, and those of the objective "grpo"/);
  expect(await fail(['job', ...given, '--out', at('job')])).toMatch(/objective/);
});

it('shows prompts as the model sees them, and takes rows with answers as they are', async () => {
  const recipe = recipeFile('data.json', {});
  const rows = [
    {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
      ],
    },
    { prompt: [{ role: 'user', content: 'Hi you' }], ground_truth: 'Hello' },
    { prompt: 'Hi there', answer: 'Hello', difficulty: 3 },
  ];
  writeFileSync(at('rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const data = ['data', '--model', starter, '--data', at('rows.jsonl'), '--recipe', recipe, '--json'];
  const report = JSON.parse(await succeed(data)) as {
    used: number;
    samples: { text: string }[];
    unused: string[];
  };
  expect(report).toMatchObject({ used: 3, unused: [], findings: [], problems: [] });
  const prompted = report.samples.map(
    ({ text }) => /user\n(.*)<\|im_end\|>\n<\|im_start\|>assistant\n$/.exec(text)?.[1],
  );
  expect(prompted).toEqual(['Hi', 'Hi you', 'Hi there']);
});
