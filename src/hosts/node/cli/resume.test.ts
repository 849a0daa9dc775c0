import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fail, filesIn, interruptAfter, runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { goldenPath, robotStories, starter } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);

function trainArgs(name: string, recipe: string | null): string[] {
  const files = ['--data', robotStories, '--out', join(scratch, name)];
  return ['train', '--model', model, ...files, ...(recipe === null ? [] : ['--recipe', recipe])];
}

it('goes on after kill -9, to the files of a run that nothing has ended', async () => {
  const recipe = join(scratch, 'recipe.json');
  const asked = {
    rank: 4,
    lr: 5e-3,
    max_steps: 14,
    batch_size: 1,
    grad_accum: 2,
    max_length: 64,
    dropout: 0.1,
    checkpoint_steps: 2,
    eval_fraction: 0.005,
    eval_steps: 5,
    load_best: true,
    optimizer: 'adamw_8bit',
  };
  writeFileSync(recipe, JSON.stringify(asked));
  const kept = ['--checkpoints', join(scratch, 'kept')];
  const whole = await succeed(trainArgs('whole', recipe));
  expect(whole).toBe('');

  const first = await interruptAfter('step 5/', [...trainArgs('resumed', recipe), ...kept], 'SIGKILL');
  expect(first.status).toBe(null);
  expect(filesIn(join(scratch, 'resumed'))).toEqual(['.graft-owner.lock']);
  expect(await fail([...trainArgs('resumed', recipe), ...kept])).toMatch(
    /already contains a run\. Add --resume/,
  );

  // Twice, and the second time without a word about the recipe.
  const resume = [...kept, '--resume'];
  const second = await interruptAfter('step 9/', [...trainArgs('resumed', recipe), ...resume], 'SIGKILL');
  expect(second.stderr).toMatch(/^Resuming after step 4\.$/m);
  const third = await runCli([...trainArgs('resumed', null), ...resume]);
  expect({ status: third.status, stderr: third.stderr }).toMatchObject({ status: 0 });
  expect(third.stderr).toMatch(/^Resuming after step 8\.$/m);

  const read = (name: string, file: string) => readFileSync(join(scratch, name, file));
  const files = filesIn(join(scratch, 'whole'));
  expect(filesIn(join(scratch, 'resumed'))).toEqual(files);
  // The card's title is the folder's name.
  for (const file of files.filter((name) => name !== 'README.md')) {
    expect(read('resumed', file).equals(read('whole', file)), file).toBe(true);
  }
});

it('that continues an adapter, and is killed before its first checkpoint, begins with it again', async () => {
  const recipe = join(scratch, 'further.json');
  writeFileSync(
    recipe,
    JSON.stringify({ max_steps: 6, batch_size: 1, max_length: 32, checkpoint_steps: 0, eval_fraction: 0 }),
  );
  const args = (name: string, adapter: string) => [
    ...['train', '--model', starter, '--data', robotStories, '--recipe', recipe],
    ...['--out', join(scratch, name), '--init-adapter', goldenPath('starter-lora', adapter)],
  ];
  await succeed(args('further', 'final_adapter'));
  const kept = ['--checkpoints', join(scratch, 'further-kept'), '--checkpoint-seconds', '1000'];
  const again = [...args('again', 'final_adapter'), ...kept];
  expect((await interruptAfter('step 1/', again, 'SIGKILL')).status).toBe(null);
  const other = await runCli([...args('again', 'init_adapter'), ...kept, '--resume']);
  expect(other.status).toBe(1);
  expect(other.stderr).toMatch(/^graft: The run did not begin with this adapter\. Resume without naming/m);
  const { stderr } = await runCli([...again, '--resume']);
  expect(stderr).toMatch(/^Resuming after step 0\.$/m);
  const bytes = (name: string) => readFileSync(join(scratch, name, 'adapter_model.safetensors'));
  expect(bytes('again').equals(bytes('further'))).toBe(true);
});

it('--resume says where from', async () => {
  expect(await fail([...trainArgs('nowhere', null), '--resume'])).toMatch(
    /^Option --checkpoints is required/,
  );
});
