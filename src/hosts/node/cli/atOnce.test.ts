import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../../base/lib/random.ts';
import {
  changesIn,
  fail,
  filesIn,
  runCli,
  scratchFolder,
  startStopped,
  succeed,
} from '../../../testing/cli.ts';
import { writeFewStories } from '../../../testing/fewStories.ts';
import { makeForeign } from '../../../testing/locks.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

/**
 * Two commands at once on the same folders, the first stopped in the middle of some change of a file. GRAFT_OWNERS=200 is for
 * an evening; each seed stops elsewhere.
 */
const TRIALS = Number(process.env.GRAFT_OWNERS ?? 8);
const SEED = Number(process.env.GRAFT_SEED ?? 1);
const TIMEOUT_MS = 900_000 + TRIALS * 60_000;

const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const stories = writeFewStories(scratch);
const at = (...path: string[]): string => join(scratch, ...path);

/** What becomes of a stopped command: it goes on, is killed, or is taken for dead by the other one and wakes afterwards. */
const fates = ['wakes', 'killed', 'taken for dead'] as const;
type Fate = (typeof fates)[number];
type Trial = (dir: string, fate: Fate, random: Random) => Promise<void>;

/** How many changes of files a command makes that nothing disturbs, up to where it begins to release what it owns. */
let changes: { train: number; merge: number };

beforeAll(async () => {
  const short = { max_steps: 6, batch_size: 1, max_length: 32, eval_fraction: 0 };
  const recipe = { rank: 4, lr: 5e-3, checkpoint_steps: 1, ...short };
  for (const seed of [1, 2]) writeFileSync(at(`recipe-${seed}.json`), JSON.stringify({ ...recipe, seed }));
  await succeed(train('whole', null));
  await succeed(train('other', null, 2));
  for (const adapter of ['whole', 'other']) await succeed(merge(`merged-${adapter}`, adapter));
  mkdirSync(at('count'));
  const released = 6;
  changes = {
    train: (await changesIn(train('count/out', 'count/ck'), at('count'))).length - released,
    merge: (await changesIn(merge('count/merged', 'whole'), at('count'))).length - released,
  };
}, TIMEOUT_MS);

function train(out: string, checkpoints: string | null, seed = 1, ...more: string[]): string[] {
  const files = ['--model', model, '--data', stories, '--recipe', at(`recipe-${seed}.json`)];
  const kept = checkpoints === null ? [] : ['--checkpoints', at(checkpoints)];
  return ['train', ...files, '--out', at(out), ...kept, ...more];
}

function merge(out: string, adapter: string): string[] {
  return ['merge', '--model', model, '--adapter', at(adapter), '--out', at(out)];
}

const hashOf = (...path: string[]): string =>
  createHash('sha256')
    .update(readFileSync(at(...path)))
    .digest('hex');
const weights = 'model.safetensors';

/** That a folder has, to the bit, what an undisturbed command writes into it. */
function expectSame(out: string, wanted: string): void {
  expect(filesIn(at(out))).toEqual(filesIn(at(wanted)));
  // The card's title is the folder's name.
  for (const file of filesIn(at(wanted)).filter((name) => name !== 'README.md'))
    expect(hashOf(out, file), file).toBe(hashOf(wanted, file));
}

function forgeLocks(dir: string): void {
  const isLock = (file: string): boolean => /(^\.graft-owner|^run-[^/]*)\.lock$/.test(basename(file));
  for (const lock of filesIn(at(dir)).filter(isLock)) makeForeign(at(dir, lock));
}

const lost = /taken over/;

/** The same training twice, in the same folders. */
const trainTrain: Trial = async (dir, fate, random) => {
  const args = train(`${dir}/out`, `${dir}/ck`);
  const resume = [...args, '--resume'];
  const first = await startStopped({ folder: at(dir), number: 1 + random.below(changes.train) }, args);
  expect(await fail(resume)).toMatch(`Process ${first.pid} has been using the folder`);
  if (fate === 'wakes') {
    first.signal('SIGCONT');
    expect(await first.ended).toMatchObject({ status: 0 });
  } else if (fate === 'killed') {
    first.signal('SIGKILL');
    await first.ended;
    const { status, stderr } = await runCli(resume);
    expect({ status, stderr }).toMatchObject({ status: 0 });
  } else {
    forgeLocks(dir);
    const { status, stderr } = await runCli(resume);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expectSame(`${dir}/out`, 'whole');
    first.signal('SIGCONT');
    const woken = await first.ended;
    expect(woken.stderr).toMatch(lost);
    if (woken.status === 0) expectSame(`${dir}/out-2`, 'whole');
    else expect(existsSync(at(dir, 'out-2'))).toBe(false);
    expectSame(`${dir}/out`, 'whole');
    // Every checkpoint is there.
    rmSync(at(dir, 'out'), { recursive: true });
    const again = await runCli(resume);
    expect({ status: again.status, stderr: again.stderr }).toMatchObject({ status: 0 });
    expect(again.stderr).toMatch(/^Resuming after step 6\.$/m);
    expect(again.stderr).not.toMatch(/damaged/);
  }
  expectSame(`${dir}/out`, 'whole');
};

/** Two merges into one folder. */
const mergeMerge =
  (adapter: string): Trial =>
  async (dir, fate, random) => {
    const out = `${dir}/out`;
    const first = await startStopped(
      { folder: at(dir), number: 1 + random.below(changes.merge) },
      merge(out, 'whole'),
    );
    const second = merge(out, adapter);
    expect(await fail(second)).toMatch(`Process ${first.pid} has been using the folder`);
    if (fate === 'wakes') {
      first.signal('SIGCONT');
      expect(await first.ended).toMatchObject({ status: 0 });
      return expectSame(out, 'merged-whole');
    }
    if (fate === 'killed') {
      first.signal('SIGKILL');
      await first.ended;
    } else forgeLocks(dir);
    const { status, stdout, stderr } = await runCli(second);
    // Who ends well has its weights there; only a model that was finished is left to the first.
    const wanted = status === 0 ? `merged-${adapter}` : 'merged-whole';
    if (status === 0)
      expect(JSON.parse(stdout)).toMatchObject({ proof: { changedTensors: expect.any(Number) } });
    else expect(stderr).toMatch(/already holds a model/);
    expect(hashOf(out, weights)).toBe(hashOf(wanted, weights));
    if (fate === 'taken for dead') {
      first.signal('SIGCONT');
      const woken = await first.ended;
      expect({ status: woken.status, stdout: woken.stdout }).toEqual({ status: 1, stdout: '' });
      expect(woken.stderr).toMatch(lost);
    }
    if (status === 0) expectSame(out, wanted);
    expect(hashOf(out, weights)).toBe(hashOf(wanted, weights));
  };

/** A merge into, and one of, what is being trained. */
const trainMerge: Trial = async (dir, fate, random) => {
  const args = train(`${dir}/out`, `${dir}/ck`);
  const first = await startStopped({ folder: at(dir), number: 1 + random.below(changes.train) }, args);
  const inUse = `Process ${first.pid} has been using the folder`;
  expect(await fail(merge(`${dir}/out`, 'other'))).toMatch(inUse);
  expect(await fail(merge(`${dir}/merged`, `${dir}/out`))).toMatch(inUse);
  if (fate === 'wakes') {
    first.signal('SIGCONT');
    expect(await first.ended).toMatchObject({ status: 0 });
  } else {
    first.signal('SIGKILL');
    await first.ended;
    await runCli([...args, '--resume']);
  }
  expectSame(`${dir}/out`, 'whole');
  await succeed(merge(`${dir}/merged`, `${dir}/out`));
  expect(hashOf(dir, 'merged', weights)).toBe(hashOf('merged-whole', weights));
};

describe('two owners at once lose no commit and prove nothing false', () => {
  const kinds: [string, Trial][] = [
    ['train and train', trainTrain],
    ['merge and another merge', mergeMerge('other')],
    ['merge and the same merge', mergeMerge('whole')],
    ['train and merge', trainMerge],
  ];
  const trials = Array.from({ length: TRIALS }, (_, n) => {
    const random = createRandom(SEED * 100_000 + n);
    const [name, trial] = kinds[n % kinds.length]!;
    // Each kind meets each fate; what is taken for dead and wakes is the worst.
    const fate = fates[(2 + Math.floor(n / kinds.length)) % fates.length]!;
    return { n, name, fate, run: () => trial(`trial-${n}`, fate, random) };
  });

  it.each(trials)(
    '$n: $name, the first $fate',
    async ({ n, run }) => {
      expect.hasAssertions();
      mkdirSync(at(`trial-${n}`));
      await run();
      rmSync(at(`trial-${n}`), { recursive: true });
    },
    TIMEOUT_MS,
  );
});
