import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fail, interruptAfter, scratchFolder, succeed } from '../../../testing/cli.ts';
import { modelPath } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const at = (name: string) => join(scratch, name);
const model = modelPath('tiny-qwen3');
const rows = Array.from({ length: 9 }, (_, row) => {
  const ids = Array.from({ length: 5 + row }, (_token, i) => 3 + ((row * 31 + i * 7) % 500));
  return `${JSON.stringify({ input_ids: ids, labels: ids })}\n`;
});
writeFileSync(at('rows.jsonl'), rows.join(''));
writeFileSync(
  at('recipe.json'),
  JSON.stringify({ rank: 2, batch_size: 2, max_steps: 8, lr: 0.01, dtype: 'f32' }),
);

const of = ['--model', model, '--data', at('rows.jsonl')];
const train = (run: string) => {
  const stored = ['--checkpoints', at(run), '--checkpoint-seconds', '0'];
  return ['train', ...of, '--recipe', at('recipe.json'), ...stored, '--out', at(`${run}-adapter`)];
};
const job = (...args: string[]) => succeed(['job', '--model', model, ...args]);

it('a stopped run as a job and back ends with the adapter of one that was not moved', async () => {
  await interruptAfter('step 3/8', train('here'));
  const said = JSON.parse(await job('--checkpoints', at('here'), '--out', at('job'))) as { step: number };
  expect(said).toMatchObject({ totalSteps: 8, bounds: { float32: 1e-4 } });
  const described = readFileSync(at('job/job.json'), 'utf8');
  expect(described).not.toContain(scratch);
  expect(JSON.parse(described)).toMatchObject({ step: said.step, base: { name: 'tiny-qwen3', repo: null } });
  const expected = readFileSync(at('job/losses_expected.jsonl'), 'utf8').trim().split('\n');
  expect(expected.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8,
  ]);
  expect(readFileSync(at('job/README.md'), 'utf8')).toContain(`after step ${said.step} of 8`);
  // What is there is not overwritten.
  expect(await fail(['job', '--model', model, '--checkpoints', at('here'), '--out', at('job')])).toContain(
    'job',
  );

  expect(JSON.parse(await job('--import', at('job'), '--checkpoints', at('back')))).toMatchObject({
    step: said.step,
    steps: 0,
  });
  for (const run of ['here', 'back']) await succeed([...train(run), '--resume']);
  const adapter = (run: string) => readFileSync(at(`${run}-adapter/adapter_model.safetensors`));
  expect(adapter('back').equals(adapter('here'))).toBe(true);
});

it('a run that has not begun is a job as well', async () => {
  const said = await job(...of.slice(2), '--recipe', at('recipe.json'), '--ahead', '1', '--out', at('new'));
  expect(JSON.parse(said)).toMatchObject({ step: 0, totalSteps: 8 });
  expect(existsSync(at('new/optimizer.safetensors'))).toBe(false);
  expect(readFileSync(at('new/losses_expected.jsonl'), 'utf8').trim().split('\n').length).toBe(1);
});

it.each([
  [[], '--out is required'],
  [['--out', at('x')], 'of --checkpoints, or of --data'],
  [
    ['--out', at('x'), '--checkpoints', at('y'), '--data', at('rows.jsonl')],
    'of --checkpoints, or of --data',
  ],
  [['--import', at('job')], '--import requires --checkpoints'],
  [['--import', at('job'), '--checkpoints', at('y'), '--out', at('x')], '--import goes with'],
  [['--checkpoints', at('none'), '--out', at('x')], 'does not exist'],
])('refuses %j', async (args, message) => {
  expect(await fail(['job', '--model', model, ...args])).toContain(message);
});
