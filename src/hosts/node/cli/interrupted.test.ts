import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  changesIn,
  filesIn,
  interruptAtChange,
  killAtChange,
  runCli,
  runCliInto,
  runOnFullDisk,
  scratchFolder,
  succeed,
} from '../../../testing/cli.ts';
import { goldenPath, modelPath, robotStories, starter } from '../../../testing/fixtures.ts';
import { servedFolder } from '../../../testing/hub.ts';
import { HubServer } from '../../../testing/hubServer.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

/**
 * Every command that writes, interrupted in every way in each of its phases: the same command, with --resume where there
 * is one, ends with the files of one that nothing has interrupted, byte for byte.
 */
const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const recipes: Record<string, object> = {
  lora: {
    rank: 4,
    max_steps: 6,
    batch_size: 1,
    max_length: 64,
    checkpoint_steps: 2,
    eval_fraction: 0,
    dropout: 0.1,
  },
  qlora: {
    method: 'qlora',
    rank: 4,
    max_steps: 4,
    batch_size: 1,
    max_length: 64,
    checkpoint_steps: 2,
    eval_fraction: 0,
  },
  full: {
    method: 'full',
    lr: 1e-3,
    max_steps: 4,
    batch_size: 1,
    max_length: 64,
    checkpoint_steps: 2,
    eval_fraction: 0,
  },
};
for (const [name, recipe] of Object.entries(recipes))
  writeFileSync(join(scratch, `${name}.json`), JSON.stringify({ seed: 3, ...recipe }));

let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start({ 'org/tiny': servedFolder(modelPath('tiny-llama3')) });
  await succeed(train('lora')(join(scratch, 'for-merge')));
});
afterAll(() => hub.stop());

/** A command that writes below a folder of its own. */
interface Case {
  name: string;
  args(folder: string): string[];
  /** What is added when it is started again. */
  again: string[];
  /** Its result, below the folder. */
  result: string;
  env?(folder: string): NodeJS.ProcessEnv;
}

const train = (method: string) => (folder: string) => [
  'train',
  ...['--model', model, '--data', robotStories, '--recipe', join(scratch, `${method}.json`)],
  ...['--out', join(folder, 'out'), '--checkpoints', join(folder, 'checkpoints'), '--storage-wait', '0'],
];

const cases: Case[] = [
  ...Object.keys(recipes).map((method) => ({
    name: `train ${method}`,
    args: train(method),
    again: ['--resume'],
    result: 'out',
  })),
  {
    name: 'merge',
    args: (folder) => [
      ...['merge', '--model', model, '--adapter', join(scratch, 'for-merge', 'out')],
      ...['--out', join(folder, 'out'), '--max-shard-size', '300KB'],
    ],
    again: [],
    result: 'out',
  },
  {
    name: 'quantize',
    args: (folder) => ['quantize', '--model', model, '--out', join(folder, 'out'), '--format', 'nf4'],
    again: [],
    result: 'out',
  },
  {
    name: 'export',
    args: (folder) => [
      ...['export', '--model', starter, '--adapter', goldenPath('starter-lora', 'final_adapter')],
      ...['--format', 'ollama', '--type', 'q8_0', '--name', 'tiny', '--out', join(folder, 'out')],
    ],
    // Replaces one that was finished, and goes on with one that was not.
    again: ['--force'],
    result: 'out',
  },
  {
    name: 'fetch',
    args: () => ['fetch', 'hf:org/tiny', '--endpoint', hub.endpoint],
    again: [],
    result: 'cache',
    env: (folder) => ({ GRAFT_CACHE: join(folder, 'cache') }),
  },
];

/** The parts of a command's changes in which it is interrupted; GRAFT_PHASES=20 tries more of them. */
const PHASES = Number(process.env.GRAFT_PHASES ?? 2);
const phases = Array.from({ length: PHASES }, (_, i) => Math.round((100 * (i + 0.5)) / PHASES));

describe.each(cases)('$name', ({ name, args, again, result, env = () => ({}) }) => {
  const folderOf = (way: string) => join(scratch, name.replace(' ', '-'), way);
  const whole = folderOf('whole');
  let changes = 0;

  beforeAll(async () => {
    changes = (await changesIn(args(whole), whole, env(whole))).length;
    if (filesIn(join(whole, result)).length === 0) throw new Error('it has written nothing');
  });

  /** Starts it again, and compares all that is there. */
  const expectWhole = async (folder: string) => {
    const { status, stderr } = await runCli([...args(folder), ...again], env(folder));
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    expect(contentsOf(join(folder, result))).toEqual(contentsOf(join(whole, result)));
  };

  it.each(phases)('killed after %i percent of its changes', async (phase) => {
    const folder = folderOf(`kill-${phase}`);
    const { status } = await killAtChange(
      args(folder),
      folder,
      Math.ceil((phase / 100) * changes),
      env(folder),
    );
    expect(status).toBeNull();
    await expectWhole(folder);
  });

  it.each(phases)('sent Ctrl-C after %i percent of its changes', async (phase) => {
    const folder = folderOf(`interrupt-${phase}`);
    await interruptAtChange(args(folder), folder, Math.ceil((phase / 100) * changes), env(folder));
    await expectWhole(folder);
  });

  it.each(phases)('on a disk that is full after %i percent of its changes', async (phase) => {
    const folder = folderOf(`full-${phase}`);
    const full = { folder, from: Math.ceil((phase / 100) * changes), count: null };
    const { stderr } = await runOnFullDisk(args(folder), full, { env: env(folder) });
    expect(stderr).toMatch(/full|space|ENOSPC/i);
    await expectWhole(folder);
  });

  it('with a log that nobody reads', async () => {
    const folder = folderOf('pipe');
    const { status } = await runCliInto(args(folder), { stderr: 'closed', env: env(folder) });
    expect(status).toBe(0);
    await expectWhole(folder);
  });
});

/** The hash of every file below a folder by its path, but for when a download was last used. */
function contentsOf(folder: string): Record<string, string> {
  const files = filesIn(folder).filter(
    (file) => statSync(join(folder, file)).isFile() && !file.endsWith('.used'),
  );
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  );
}
