import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtCli } from '../../../testing/builtCli.ts';
import { runCli, scratchFolder, type CliResult } from '../../../testing/cli.ts';
import { robotStories, starter } from '../../../testing/fixtures.ts';
import { copyFolder } from '../../../testing/folders.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const tiny = writeTinyStories(scratch);
/** Clears the screen, sets the window's title, does so by C1 codes, and turns what follows around. */
const attack = '\u001b[2J\u001b]0;PWNED\u0007\u009b2J\u202egnp';
/** How it is shown. */
const shown = '\\u001b[2J\\u001b]0;PWNED\\u0007\\u009b2J\\u202egnp';

/** What a terminal obeys, but for line breaks and tabs. */
// eslint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

function expectHarmless({ stdout, stderr }: CliResult): void {
  expect(stdout).not.toMatch(obeyed);
  expect(stderr).not.toMatch(obeyed);
}

const generate = (model: string) => [
  'generate',
  '--model',
  model,
  '--max-new-tokens',
  '4',
  '--prompt',
  'Once',
];

describe('text of others reaches the terminal escaped', () => {
  it('from a chat template', async () => {
    const template = `{{ raise_exception(${JSON.stringify(attack)}) }}`;
    const model = copyFolder(starter, join(scratch, 'template'), { 'chat_template.jinja': template });
    const result = await runCli(generate(model));
    expect(result.status).toBe(1);
    expectHarmless(result);
    expect(result.stderr).toContain(shown);
  });

  it('from rows, broken and whole, and from the names of fields', async () => {
    const data = join(scratch, 'rows.jsonl');
    const row = JSON.stringify({ prompt: 'a', completion: attack, [attack]: 1 });
    writeFileSync(
      data,
      `${row}\n{"prompt": "${attack}\nx"}\n${row.replace('"a"', '"b"')}\n{"prompt": ${attack}\n`,
    );
    const inspect = ['data', '--model', starter, '--data', data];
    const result = await runCli(inspect);
    expect(result.status).toBe(0);
    expectHarmless(result);
    expect(result.stdout).toContain(shown);
    const json = await runCli([...inspect, '--json']);
    expectHarmless(json);
    const { unused } = JSON.parse(json.stdout) as { unused: string[] };
    expect(unused.join()).toContain(attack);
    const trained = await runCli(['eval', '--model', starter, '--data', data]);
    expect(trained.status).toBe(0);
    expectHarmless(trained);
  });

  it('from names of shards and files', async () => {
    const index = { weight_map: { 'model.norm.weight': `${attack}.safetensors` } };
    const model = copyFolder(starter, join(scratch, 'shards'), {
      'model.safetensors': null,
      'model.safetensors.index.json': JSON.stringify(index),
    });
    for (const args of [generate(model), ['data', '--model', starter, '--data', join(scratch, attack)]]) {
      const result = await runCli(args);
      expect(result.status).toBe(1);
      expectHarmless(result);
      expect(result.stderr).toMatch(/^graft: [^\n]+\n$/);
    }
  });

  it('from a recipe', async () => {
    const recipe = join(scratch, 'recipe.json');
    writeFileSync(recipe, JSON.stringify({ [attack]: 1 }));
    const result = await runCli(['plan', '--model', starter, '--recipe', recipe]);
    expect(result.status).toBe(1);
    expectHarmless(result);
    expect(result.stderr).toContain(shown);
  });
});

describe('what a model says', () => {
  const model = join(scratch, 'escapes');
  copyFolder(tiny, model, {
    // Where it said a slash it now says ESC.
    'tokenizer.json': (bytes) =>
      Buffer.from(
        bytes
          .toString()
          .replace('<0x2F>', '<slash>')
          .replace('<0x1B>', '<0x2F>')
          .replace('<slash>', '<0x1B>'),
      ),
  });
  const args = [...generate(model), '--raw'];

  it('is exact in a pipe', async () => {
    const plain = await runCli([...generate(tiny), '--raw']);
    expect(plain.stdout).toContain('/');
    const { stdout } = await runCli(args);
    expect(stdout).toBe(plain.stdout.replaceAll('/', '\u001b'));
  });

  it.skipIf(!existsSync('/usr/bin/script'))('is escaped on a terminal', async () => {
    const words = [process.execPath, (await builtCli()).main, ...args];
    const line = words.map((word) => `'${word}'`).join(' ');
    const log = join(scratch, 'typescript');
    await promisify(execFile)('/usr/bin/script', ['-qec', line, log]);
    const said = readFileSync(log, 'utf8');
    expect(said).toContain('\\u001b');
    expect(said.split('\n').find((one) => one.includes('\\u001b'))).not.toContain('\u001b');
  });
});

it('a row of the data keeps its line', async () => {
  const data = join(scratch, 'lines.jsonl');
  const row = { prompt: 'a', completion: 'b', 'x\ngraft: all is well': 1 };
  writeFileSync(data, `${JSON.stringify(row)}\n${readFileSync(robotStories, 'utf8')}`);
  const { stdout, stderr } = await runCli(['data', '--model', starter, '--data', data]);
  expect(`${stdout}${stderr}`).not.toMatch(/^graft: all is well/m);
  expect(stdout).toContain('x graft: all is well');
});
