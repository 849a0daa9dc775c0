import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesIn, runCliInto, runOnFullDisk, scratchFolder } from '../../../testing/cli.ts';
import { robotStories, starter } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const at = (name: string) => join(scratch, name);
const model = writeTinyStories(scratch);
const recipe = at('recipe.json');
writeFileSync(
  recipe,
  JSON.stringify({
    rank: 4,
    max_steps: 6,
    batch_size: 1,
    max_length: 64,
    checkpoint_steps: 2,
    eval_fraction: 0,
  }),
);
const train = (name: string, ...more: string[]) => [
  ...['train', '--model', model, '--data', robotStories, '--recipe', recipe, '--out', at(name)],
  ...more,
];
const trained = [
  'README.md',
  'adapter_config.json',
  'adapter_model.safetensors',
  'metrics.jsonl',
  'recipe.json',
  'training.json',
];
const steps = (name: string) =>
  readFileSync(join(at(name), 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n').length;
/** Fails every write with ENOSPC; Linux alone has it. */
const fullDevice = '/dev/full';

describe('training goes on and keeps its adapter', () => {
  it.skipIf(!existsSync(fullDevice))('when the disk of its log is full', async () => {
    const { status } = await runCliInto(train('full-log'), { stderr: { file: fullDevice } });
    expect(status).toBe(0);
    expect(filesIn(at('full-log'))).toEqual(trained);
    expect(steps('full-log')).toBe(6);
  });

  it('when nobody reads its log any more', async () => {
    const { status } = await runCliInto(train('closed-log'), { stderr: 'closed' });
    expect(status).toBe(0);
    expect(filesIn(at('closed-log'))).toEqual(trained);
    expect(steps('closed-log')).toBe(6);
  });
});

describe('a result that cannot be printed', () => {
  const answer = ['generate', '--model', starter, '--raw', '--prompt', 'One', '--max-new-tokens', '2'];
  const inspect = ['data', '--model', starter, '--data', robotStories, '--json'];

  it.skipIf(!existsSync(fullDevice)).each([
    ['generate', answer],
    ['data', inspect],
    ['help', ['help']],
  ])('is an error of %s on a full disk', async (_name, args) => {
    const { status, stderr } = await runCliInto(args, { stdout: { file: fullDevice } });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^graft: The result could not be written to stdout \(ENOSPC: .*\)\. Send it/m);
  });

  it('is all there in a file', async () => {
    const { status } = await runCliInto(inspect, { stdout: { file: at('report.json') } });
    expect(status).toBe(0);
    expect(JSON.parse(readFileSync(at('report.json'), 'utf8'))).toMatchObject({ rows: 240 });
  });

  it('ends quietly, with the status of SIGPIPE, when its reader leaves', async () => {
    // More than a pipe holds, so that the command is still writing when its reader leaves.
    const all = [...inspect.slice(0, -1), '--rows', '240', '--json'];
    const { status, stderr } = await runCliInto(all, { stdout: 'closed' });
    expect({ status, stderr }).toEqual({ status: 141, stderr: '' });
  });
});

describe('a full disk of checkpoints', () => {
  const full = (name: string, count: number | null) => ({
    folder: at(name),
    after: 'step 1/',
    from: 1,
    count,
  });

  it('is waited for, and said once', async () => {
    const args = train('waited', '--checkpoints', at('waited-kept'));
    const { status, stderr } = await runOnFullDisk(args, full('waited-kept', 1));
    expect(status).toBe(0);
    expect(stderr.match(/was not written: There is not enough space/g)).toHaveLength(1);
    expect(stderr).toMatch(/^Waiting up to 600 s for space, and trying again\.$/m);
    expect(stderr).toMatch(/^The checkpoint of step \d is written; training continues\.$/m);
    expect(filesIn(at('waited'))).toEqual(trained);
    expect(steps('waited')).toBe(6);
  });

  it('does without in the end', async () => {
    const args = train('without', '--checkpoints', at('without-kept'), '--storage-wait', '0');
    const { status, stderr } = await runOnFullDisk(args, full('without-kept', null));
    expect(status).toBe(0);
    expect(stderr.match(/was not written/g)).toHaveLength(1);
    expect(stderr.match(/^Training continues without checkpoints/gm)).toHaveLength(1);
    expect(filesIn(at('without'))).toEqual(trained);
    expect(steps('without')).toBe(6);
  });

  it('is no longer waited for after Ctrl-C, which keeps what was trained', async () => {
    const args = train('stopped', '--checkpoints', at('stopped-kept'));
    const { status, stderr } = await runOnFullDisk(args, full('stopped-kept', null), {
      mark: 'Waiting up to',
    });
    expect(status).toBe(0);
    expect(stderr).toMatch('Stopping after this step.');
    expect(filesIn(at('stopped'))).toEqual(trained);
    expect(steps('stopped')).toBeLessThan(6);
  });
});

describe('a full disk of --out', () => {
  it('is waited for', async () => {
    const { status, stderr } = await runOnFullDisk(train('late'), { folder: at('late'), from: 2, count: 1 });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^The result was not written: There is not enough space/m);
    expect(filesIn(at('late'))).toEqual(trained);
  });

  it('gives the result to the other folder, and keeps no part of it', async () => {
    const args = train('lost', '--fallback-out', at('found'));
    const { status, stderr } = await runOnFullDisk(args, { folder: at('lost'), from: 2, count: null });
    expect(status).toBe(0);
    expect(stderr).toMatch(`The result goes to ${at('found')}.`);
    expect(filesIn(at('lost'))).toEqual([]);
    expect(filesIn(at('found'))).toEqual(trained);
  });

  it('is an error where there is no other, after the wait', async () => {
    const args = train('nowhere', '--storage-wait', '0');
    const { status, stderr } = await runOnFullDisk(args, { folder: at('nowhere'), from: 2, count: null });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^graft: There is not enough space to write/m);
    expect(filesIn(at('nowhere'))).toEqual([]);
  });
});

it('all text of the command line goes through terminal.ts', () => {
  const root = new URL('../', import.meta.url);
  const sources = (readdirSync(root, { recursive: true }) as string[]).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== join('cli', 'terminal.ts'),
  );
  expect(sources.length).toBeGreaterThan(30);
  const direct = /\bconsole\.|\bprocess\.(?:stdout|stderr)\b|\bwriteSync\b/;
  expect(sources.filter((file) => direct.test(readFileSync(new URL(file, root), 'utf8')))).toEqual([]);
});
