import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { interruptAfter, runCli, scratchFolder, succeed, filesIn } from '../../../testing/cli.ts';
import { writeFewStories } from '../../../testing/fewStories.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const stories = writeFewStories(scratch, 60);
const env = { GRAFT_CACHE: join(scratch, 'cache') };
const streamed = ['--stream-from', '1KiB'];

function trainArgs(name: string, fields: object): string[] {
  const recipe = join(scratch, `${name}.recipe.json`);
  writeFileSync(recipe, JSON.stringify({ rank: 4, lr: 5e-3, max_steps: 3, batch_size: 2, ...fields }));
  return ['train', '--model', model, '--data', stories, '--out', join(scratch, name), '--recipe', recipe];
}

function expectSameFiles(name: string, other: string): void {
  const files = filesIn(join(scratch, other));
  expect(filesIn(join(scratch, name))).toEqual(files);
  const read = (folder: string, file: string) => readFileSync(join(scratch, folder, file));
  // The card's title is the folder's name.
  for (const file of files.filter((one) => one !== 'README.md'))
    expect(read(name, file).equals(read(other, file)), `${name}/${file}`).toBe(true);
}

it('training on rows read from disk writes the bits of training on rows in memory, and goes on after kill -9', async () => {
  const plain = { grad_accum: 2, dropout: 0.1 };
  await succeed(trainArgs('memory', plain));
  const first = await runCli([...trainArgs('disk', plain), ...streamed], env);
  expect(first).toMatchObject({ status: 0 });
  expect(first.stderr).toMatch(/is large: its rows are read, tokenized and kept on disk in parts\.$/m);
  expect(first.stderr).toMatch(/^100 % of .* read, \d+ rows tokenized$/m);
  expect(first.stderr).toMatch(/^Checked: the first \d+ rows of \d+\.$/m);
  expectSameFiles('disk', 'memory');

  const kept = [...streamed, '--checkpoints', join(scratch, 'kept'), '--checkpoint-seconds', '0'];
  const killed = await interruptAfter('step 2/', [...trainArgs('resumed', plain), ...kept], 'SIGKILL', env);
  expect(killed.status).toBe(null);
  const resumed = await runCli([...trainArgs('resumed', plain), ...kept, '--resume'], env);
  expect(resumed).toMatchObject({ status: 0 });
  expect(resumed.stderr).not.toMatch(/rows tokenized/);
  expectSameFiles('resumed', 'memory');
  expect(readdirSync(join(env.GRAFT_CACHE, 'rows'))).toHaveLength(1);
});

it('packs rows read from disk as rows in memory', async () => {
  const packed = { packing: true, max_length: 300, max_steps: 2 };
  await succeed(trainArgs('packed', packed));
  await succeed([...trainArgs('packedDisk', packed), ...streamed], env);
  expectSameFiles('packedDisk', 'packed');
});
