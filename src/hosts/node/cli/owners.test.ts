import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  changesIn,
  fail,
  filesIn,
  interruptAfter,
  killAtChange,
  runCli,
  scratchFolder,
  startStopped,
  succeed,
} from '../../../testing/cli.ts';
import { writeFewStories } from '../../../testing/fewStories.ts';
import { makeForeign, makeSilent } from '../../../testing/locks.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const stories = writeFewStories(scratch);
const at = (...path: string[]): string => join(scratch, ...path);
const STEPS = 12;

beforeAll(async () => {
  const recipe = {
    rank: 4,
    lr: 5e-3,
    max_steps: STEPS,
    batch_size: 1,
    max_length: 32,
    checkpoint_steps: 1,
    seed: 1,
    eval_fraction: 0,
  };
  writeFileSync(at('recipe.json'), JSON.stringify(recipe));
  await succeed(trainTo('whole'));
});

function trainTo(out: string, checkpoints: string | null = null, ...more: string[]): string[] {
  const files = ['--model', model, '--data', stories, '--recipe', at('recipe.json'), '--out', at(out)];
  return ['train', ...files, ...(checkpoints === null ? [] : ['--checkpoints', at(checkpoints)]), ...more];
}
const mergeTo = (out: string, adapter = 'whole'): string[] => {
  return ['merge', '--model', model, '--adapter', at(adapter), '--out', at(out)];
};

/** That an output folder is to the bit what a training that nothing disturbed writes. */
function expectWhole(out: string): void {
  expect(filesIn(at(out))).toEqual(filesIn(at('whole')));
  // The card's title is the folder's name.
  for (const file of filesIn(at('whole')).filter((name) => name !== 'README.md')) {
    expect(readFileSync(at(out, file)).equals(readFileSync(at('whole', file))), file).toBe(true);
  }
}

/** The lock of the run in a folder of checkpoints. */
function runLock(checkpoints: string): string {
  const name = filesIn(at(checkpoints)).find((file) => /^run-[^/]*\.lock$/.test(file));
  return at(checkpoints, name!);
}

describe('an output folder', () => {
  it('is its command’s from start to end, however long that is stopped', async () => {
    const first = await startStopped('step 3/', trainTo('claimed'));
    makeSilent(at('claimed', '.graft-owner.lock'));
    const inUse = new RegExp(`^Process ${first.pid} has been using the folder “[^”]*claimed” since 20`);
    expect(await fail(trainTo('claimed'))).toMatch(inUse);
    expect(await fail(mergeTo('claimed'))).toMatch(inUse);
    const quantize = ['quantize', '--model', model, '--format', 'nf4', '--out', at('claimed')];
    expect(await fail(quantize)).toMatch(inUse);
    // Nor is it read before it is whole.
    expect(await fail(mergeTo('unwritten', 'claimed'))).toMatch(inUse);
    expect(existsSync(at('unwritten'))).toBe(false);
    first.signal('SIGCONT');
    expect(await first.ended).toMatchObject({ status: 0 });
    expectWhole('claimed');
  });

  it('that was lost to another process is left to it: what was trained is kept beside it', async () => {
    const first = await startStopped('step 3/', trainTo('lost'));
    rmSync(at('lost', '.graft-owner.lock'));
    expect(await succeed(trainTo('lost'))).toBe('');
    writeFileSync(at('lost', 'mine.txt'), 'mine');
    const before = filesIn(at('lost'));
    first.signal('SIGCONT');
    const { status, stderr } = await first.ended;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/^Another process has taken over what is in “[^”]*lost” /m);
    expect(stderr).toContain(`The adapter is in ${at('lost-2')}.`);
    expect(filesIn(at('lost'))).toEqual(before);
    expectWhole('lost-2');
  });

  it('is refused where it is what is read', async () => {
    const before = filesIn(at('whole'));
    expect(await fail(mergeTo('whole'))).toMatch(/is not empty/);
    expect(filesIn(at('whole'))).toEqual(before);
  });

  it('that was made for a command which failed is removed', async () => {
    const missing = trainTo('a/b/c').map((arg) => (arg === stories ? at('none.jsonl') : arg));
    expect(await fail(missing)).toMatch(/none\.jsonl/);
    expect(existsSync(at('a'))).toBe(false);
  });
});

describe('a run that another resumes', () => {
  it('is refused while its owner lives; one taken for dead that wakes destroys nothing', async () => {
    const first = await startStopped('step 5/', trainTo('first', 'shared'));
    makeSilent(runLock('shared'));
    makeSilent(at('shared', '.graft-owner.lock'));
    const second = trainTo('second', 'shared', '--resume');
    const inUse = new RegExp(`^Process ${first.pid} has been using the folder “[^”]*shared”`);
    expect(await fail(second)).toMatch(inUse);
    expect(existsSync(at('second'))).toBe(false);

    // As on a network folder, whose other machine was suspended.
    makeForeign(runLock('shared'));
    makeForeign(at('shared', '.graft-owner.lock'));
    const stopped = await startStopped('step 9/', second);
    first.signal('SIGCONT');
    const { status, stderr } = await first.ended;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/^Run “LoRA r[^”]*” was taken over by another tab or process, /m);
    expectWhole('first');
    const killed = stopped.ended;
    stopped.signal('SIGKILL');
    await killed;

    const third = await runCli(trainTo('third', 'shared', '--resume'));
    expect({ status: third.status, stderr: third.stderr }).toMatchObject({ status: 0 });
    expect(third.stderr).toMatch(/^Resuming after step (8|9)\.$/m);
    expect(third.stderr).not.toMatch(/damaged/);
    expectWhole('third');
  });
});

describe('the same command with --resume', () => {
  const again = (name: string): string[] => trainTo(name, `${name}-checkpoints`, '--resume');
  const begin = (name: string): string[] => trainTo(name, `${name}-checkpoints`);

  it('goes on after Ctrl-C, to the files of a run that nothing has ended; then says that it is done', async () => {
    const stopped = await interruptAfter('step 5/', begin('ended'));
    expect(stopped).toMatchObject({ status: 0 });
    expect(filesIn(at('ended'))).toContain('adapter_model.safetensors');
    const twice = await interruptAfter('step 8/', again('ended'));
    expect({ status: twice.status, stderr: twice.stderr }).toMatchObject({ status: 0 });
    const resumed = await runCli(again('ended'));
    expect({ status: resumed.status, stderr: resumed.stderr }).toMatchObject({ status: 0 });
    expect(resumed.stderr).toMatch(/^Resuming after step [89]\.$/m);
    expectWhole('ended');
    const done = await runCli(again('ended'));
    expect(done).toMatchObject({ status: 0 });
    expect(done.stderr).toMatch(/^Already finished: /);
    expectWhole('ended');

    writeFileSync(at('ended', 'README.md'), 'mine');
    expect(await fail(again('ended'))).toMatch(/holds “README\.md”, which is not what the run wrote there/);
    rmSync(at('ended', 'README.md'));
    writeFileSync(at('ended', 'notes.txt'), 'mine');
    expect(await fail(again('ended'))).toMatch(/holds “notes\.txt”, which is not what the run wrote there/);
    rmSync(at('ended', 'notes.txt'));
    // What is missing is written again.
    expect(await runCli(again('ended'))).toMatchObject({ status: 0 });
    expectWhole('ended');
  });

  it('goes on wherever it was killed while it wrote its adapter', async () => {
    const changes = await changesIn(begin('counted'), at('counted'));
    const renames = changes.flatMap((change, i) => (change.startsWith('rename to') ? [i + 1] : []));
    expect(renames.length).toBeGreaterThan(5);
    const numbers = [renames[0]! - 1, renames[0]!, renames[3]!, renames.at(-1)!, changes.length];
    for (const [i, number] of numbers.entries()) {
      const name = `cut-${i}`;
      expect(await killAtChange(begin(name), at(name), number)).toMatchObject({ status: null });
      const { status, stderr } = await runCli(again(name));
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expectWhole(name);
    }
  });
});
