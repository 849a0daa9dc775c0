import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  changesIn,
  filesIn,
  interruptAfter,
  interruptAtChange,
  killAtChange,
  runCli,
  runCliInto,
  runOnFullDisk,
  scratchFolder,
  succeed,
} from '../../../testing/cli.ts';
import { goldenPath, modelPath, smallSums, smallSumsRecipe, starter } from '../../../testing/fixtures.ts';
import { writeFewStories } from '../../../testing/fewStories.ts';
import { servedFolder } from '../../../testing/hub.ts';
import { HubServer } from '../../../testing/hubServer.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

/**
 * Every command that writes, interrupted in every way in each of its phases: the same command, with --resume where there
 * is one, ends with the files of one that nothing has interrupted, byte for byte.
 */
const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const stories = writeFewStories(scratch);
const recipes: Record<string, object> = {
  lora: {
    rank: 4,
    max_steps: 6,
    batch_size: 1,
    max_length: 32,
    checkpoint_steps: 2,
    eval_fraction: 0,
    dropout: 0.1,
  },
  qlora: {
    method: 'qlora',
    rank: 4,
    max_steps: 4,
    batch_size: 1,
    max_length: 32,
    checkpoint_steps: 2,
    eval_fraction: 0,
  },
  full: {
    method: 'full',
    lr: 1e-3,
    max_steps: 4,
    batch_size: 1,
    max_length: 32,
    checkpoint_steps: 2,
    eval_fraction: 0,
  },
};
const sweepRecipe = { ...recipes.lora, max_steps: 4, eval_fraction: 0.2, eval_steps: 2 };
for (const [name, recipe] of Object.entries({ ...recipes, sweep: sweepRecipe }))
  writeFileSync(join(scratch, `${name}.json`), JSON.stringify({ seed: 3, ...recipe }));

const sumsRecipe = join(scratch, 'grpo.json');
const ofSums = { max_steps: 2, eval_fraction: 0, batch_size: 1, checkpoint_steps: 1, dtype: 'f32' };
writeFileSync(
  sumsRecipe,
  JSON.stringify({ ...JSON.parse(readFileSync(smallSumsRecipe, 'utf8')), ...ofSums }),
);
const questions = join(scratch, 'questions.jsonl');
writeFileSync(questions, '{"prompt": "Who is Zip?", "completion": "Zip is a robot."}\n');

let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start({ 'org/tiny': servedFolder(modelPath('tiny-llama3')) });
  await succeed(train('lora')(join(scratch, 'for-merge')));
  await interruptAfter('step 3/6', train('lora')(join(scratch, 'for-job')));
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
  /**
   * Of what others show most of: the percentage of its changes at which it is killed once, and has one full disk, unless more
   * phases are asked for.
   */
  few?: number;
  /** A file in a folder that nobody owns: what is left of it when it is killed stays there, hidden. */
  alone?: true;
}

const train = (method: string) => (folder: string) => [
  'train',
  ...['--model', model, '--data', stories, '--recipe', join(scratch, `${method}.json`)],
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
  ...(['gguf', 'gguf-lora', 'mlx', 'safetensors'] as const).map((format) => ({
    name: `export ${format}`,
    args: (folder: string) => [
      ...['export', '--model', starter, '--adapter', goldenPath('starter-lora', 'final_adapter')],
      ...['--format', format, '--name', 'tiny'],
      ...['--out', join(folder, 'out', ...(format.startsWith('gguf') ? ['tiny.gguf'] : []))],
    ],
    // One file is replaced where all of it was written before.
    again: format.startsWith('gguf') ? ['--force'] : [],
    result: 'out',
    few: format.startsWith('gguf') ? 30 : 50,
    ...(format === 'gguf-lora' && { alone: true as const }),
  })),
  {
    name: 'mix',
    args: (folder) => {
      const adapter = join(scratch, 'for-merge', 'out');
      return ['mix', '--adapters', `${adapter},${adapter}`, '--rule', 'cat', '--out', join(folder, 'out')];
    },
    again: [],
    result: 'out',
    few: 50,
  },
  {
    name: 'job',
    args: (folder) => [
      ...['job', '--model', model, '--checkpoints', join(scratch, 'for-job', 'checkpoints')],
      ...['--ahead', '1', '--out', join(folder, 'out')],
    ],
    again: [],
    result: 'out',
    few: 50,
  },
  {
    name: 'evaluate',
    args: (folder) => [
      ...['evaluate', '--model', starter, '--data', questions, '--metrics', 'exact', '--max-new-tokens', '2'],
      ...['--csv', join(folder, 'out', 'rows.csv')],
    ],
    again: ['--force'],
    result: 'out',
    few: 30,
    alone: true,
  },
  {
    name: 'sweep',
    args: (folder) => [
      ...['sweep', '--model', model, '--data', stories, '--recipe', join(scratch, 'sweep.json')],
      ...['--grid', 'lr=1e-3,1e-2', '--rungs', '1', '--storage-wait', '0', '--out', join(folder, 'out')],
    ],
    again: ['--resume'],
    // Runs beside it have times.
    result: 'out/best',
    few: 50,
  },
  {
    name: 'train grpo',
    args: (folder) => [
      ...['train', '--model', starter, '--data', smallSums, '--recipe', sumsRecipe],
      ...['--out', join(folder, 'out'), '--checkpoints', join(folder, 'checkpoints'), '--storage-wait', '0'],
    ],
    again: ['--resume'],
    result: 'out',
    few: 50,
  },
];

/** The parts of a command's changes in which it is interrupted; GRAFT_PHASES=20 tries more of them. */
const PHASES = Number(process.env.GRAFT_PHASES ?? 2);
const phasesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => Math.round((100 * (i + 0.5)) / count));

describe.each(cases)('$name', (one) => {
  const { name, args, again, result, env = () => ({}), few = null, alone = false } = one;
  const isShort = few !== null && PHASES <= 2;
  const phases = isShort ? [few] : phasesOf(PHASES);
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
    expectSame(folder);
  };

  const expectSame = (folder: string) => {
    const files = Object.entries(contentsOf(join(folder, result)));
    const own = files.filter(([file]) => !(alone && /^\..*\.graft-part$/.test(file)));
    expect(Object.fromEntries(own)).toEqual(contentsOf(join(whole, result)));
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

  it.each(isShort ? [] : phases)('sent Ctrl-C after %i percent of its changes', async (phase) => {
    const folder = folderOf(`interrupt-${phase}`);
    await interruptAtChange(args(folder), folder, Math.ceil((phase / 100) * changes), env(folder));
    await expectWhole(folder);
  });

  it.each(phases)('on a disk that is full after %i percent of its changes', async (phase) => {
    const folder = folderOf(`full-${phase}`);
    const full = { folder, from: Math.ceil((phase / 100) * changes), count: null };
    const { status, stderr } = await runOnFullDisk(args(folder), full, { env: env(folder) });
    // After its last byte it needs no space.
    if (status === 0) expectSame(folder);
    else expect(stderr).toMatch(/full|space|ENOSPC/i);
    await expectWhole(folder);
  });

  it.each(isShort ? [] : ['log'])('with a %s that nobody reads', async () => {
    const folder = folderOf('pipe');
    const { status } = await runCliInto(args(folder), { stderr: 'closed', env: env(folder) });
    expect(status).toBe(0);
    expectSame(folder);
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
