import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fail,
  filesIn,
  interruptAfter,
  killAtChange,
  runCli,
  scratchFolder,
  succeed,
} from '../../../testing/cli.ts';
import { modelPath } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const at = (name: string) => join(scratch, name);
const rows = Array.from({ length: 12 }, (_, row) => {
  const ids = Array.from({ length: 5 + row }, (_token, i) => 3 + ((row * 31 + i * 7) % 500));
  return `${JSON.stringify({ input_ids: ids, labels: ids })}\n`;
});
writeFileSync(at('rows.jsonl'), rows.join(''));
const shared = {
  batch_size: 2,
  max_steps: 8,
  dropout: 0.1,
  eval_fraction: 0.25,
  eval_steps: 3,
  dtype: 'f32',
};
writeFileSync(at('recipe.json'), JSON.stringify(shared));

const of = ['--model', modelPath('tiny-qwen3'), '--data', at('rows.jsonl')];
const sweep = (out: string, ...more: string[]) => [
  'sweep',
  ...of,
  ...['--recipe', at('recipe.json'), '--checkpoint-seconds', '0', '--out', at(out), ...more],
];
const grid = ['--grid', 'lr=1e-4,2e-2', '--grid', 'rank=2,4'];

/** All that says how a sweep ended, to the bit. */
const results = (out: string) =>
  ['sweep.csv', 'sweep.json', 'best-recipe.json', 'best/adapter_model.safetensors', 'best/recipe.json'].map(
    (file) => [file, readFileSync(at(`${out}/${file}`)).toString('base64')],
  );

describe('a sweep', () => {
  it('that is killed in the middle and resumed, twice, ends with the table of one that was not', async () => {
    const table = await succeed(sweep('whole', ...grid));
    const csv = readFileSync(at('whole/sweep.csv'), 'utf8').trimEnd().split('\r\n');
    expect(csv[0]).toBe('rank,lr,eval_loss,steps,of_steps,state');
    expect(csv.slice(1).map((line) => line.split(',').slice(3).join())).toEqual([
      '8,8,finished',
      '4,8,stopped',
      '2,8,stopped',
      '2,8,stopped',
    ]);
    expect(
      table
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/).join()),
    ).toEqual(csv);
    // The rates that learn something are ahead of those that do not.
    expect(csv[1]).toMatch(/^\d,0\.02,/);
    expect(JSON.parse(readFileSync(at('whole/best-recipe.json'), 'utf8'))).toMatchObject({
      lr: 0.02,
      ...shared,
    });

    // Between two runs, in the middle of the second rung, and after all is trained.
    const kills = ['Run 2 of 4', 'step 3/8', 'best recipe'];
    for (const [number, mark] of kills.entries()) {
      const again = number === 0 ? grid : ['--resume'];
      const { status } = await interruptAfter(mark, sweep('killed', ...again), 'SIGKILL');
      expect(status).toBe(null);
    }
    expect(await succeed(sweep('killed', '--resume'))).toBe(table);
    expect(results('killed')).toEqual(results('whole'));
    // Every run is there once, as a run like any other.
    expect(filesIn(at('killed/runs')).filter((file) => file.endsWith('.a')).length).toBeGreaterThanOrEqual(4);

    // What is finished stays as it is, and is not begun again.
    expect(await succeed(sweep('killed', '--resume'))).toBe(table);
    expect(await fail(sweep('killed', ...grid))).toContain('already contains a sweep. Add --resume');
  });

  it.each([1, 9, 25])('killed in the middle of change %i of a file goes on', async (number) => {
    const out = `change-${number}`;
    const few = ['--grid', 'lr=1e-3,2e-2', '--rungs', '1'];
    const { status } = await killAtChange(sweep(out, ...few), at(out), number);
    expect(status).toBe(null);
    const again = await runCli(sweep(out, ...few, '--resume'));
    expect({ status: again.status, stderr: again.status === 0 ? '' : again.stderr }).toEqual({
      status: 0,
      stderr: '',
    });
    expect(again.stdout.split('\n').length).toBe(4);
  });

  it('is paused by Ctrl-C, takes a list of recipes, and goes on with those alone', async () => {
    writeFileSync(at('list.json'), JSON.stringify([{ lr: 1e-3 }, { lr: 1e-2, rank: 4 }, { lr: 3e-2 }]));
    const list = ['--recipes', at('list.json'), '--halving', '3'];
    const paused = await interruptAfter('step 2/8', sweep('paused', ...list));
    expect(paused).toMatchObject({ status: 0 });
    expect(paused.stderr).toContain('The sweep is paused.');
    writeFileSync(at('list.json'), JSON.stringify([{ lr: 1e-3 }, { lr: 1e-2, rank: 8 }]));
    expect(await fail(sweep('paused', ...list, '--resume'))).toContain('other recipes or other rungs');
    writeFileSync(at('other.jsonl'), rows.slice(1).join(''));
    const other = sweep('paused', '--resume').map((arg) =>
      arg === at('rows.jsonl') ? at('other.jsonl') : arg,
    );
    expect(await fail(other)).toContain('other rows');
    const table = await succeed(sweep('paused', '--resume'));
    expect(
      table
        .split('\n')
        .slice(1, 4)
        .map((line) => line.trim().split(/ +/).at(-1)),
    ).toEqual(['finished', 'stopped', 'stopped']);
  });

  it('goes on without a run that fails', async () => {
    // Without its epsilon Adam divides zeros by zero.
    const failing = sweep('fails', '--grid', 'eps=0,1e-8', '--rungs', '0');
    const { status, stdout, stderr } = await runCli(failing);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^Run 1 failed: The state of the run after step 1 is not finite/m);
    expect(
      stdout
        .split('\n')
        .slice(1, 3)
        .map((line) => line.split(/ {2,}/).at(-1)),
    ).toEqual(['finished', 'failed']);
  });
});

it.each([
  [[], 'Option --grid is required'],
  [['--grid', 'lr'], 'a recipe key and its values, such as lr=1e-4,3e-4, not “lr”'],
  [['--grid', 'learning_rate=1,2'], 'unknown key "learning_rate"'],
  [['--grid', 'lr=1e-3'], 'at least two recipes'],
  [['--grid', 'lr=1e-3,1e-3'], 'Recipes 1 and 2 of the sweep are the same'],
  [['--grid', 'mask=all,last'], 'differ in "mask"'],
  [['--grid', 'lr=1e-3,1e-2', '--recipes', 'x.json'], '--recipes or --grid, not both'],
  [['--grid', 'lr=1e-3,1e-2', '--rungs', '1.5'], '--rungs must be a whole number from 0 to 20'],
  [['--recipes', at('recipe.json')], '“recipe.json” is not a list of recipes'],
  [['--grid', 'lr=1e-3,1e-2', '--grid', 'layers=[9],"all"'], 'Layer 9 does not exist'],
])('refuses %j', async (args, message) => {
  expect(await fail(sweep('refused', ...args))).toContain(message);
});

it('needs rows to compare losses on', async () => {
  writeFileSync(at('none.json'), JSON.stringify({ ...shared, eval_fraction: 0 }));
  const args = ['sweep', ...of, '--recipe', at('none.json'), '--out', at('none'), ...grid];
  expect(await fail(args)).toContain('A sweep compares evaluation losses, but no rows are held out.');
});
