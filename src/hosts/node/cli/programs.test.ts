import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, scratchFolder } from '../../../testing/cli.ts';
import { starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();

/** A copy of the starter model, with another template or another tokenizer. */
function hostileModel(
  name: string,
  { template, ...tokenizer }: { template?: string; pre_tokenizer?: object },
): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  cpSync(starter, folder, { recursive: true });
  if (template !== undefined) writeFileSync(join(folder, 'chat_template.jinja'), template);
  const file = join(folder, 'tokenizer.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...json, ...tokenizer }));
  return folder;
}

const loops = hostileModel('loops', {
  template: '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
});
const pattern = hostileModel('pattern', {
  pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false },
});
const rows = join(scratch, 'rows.jsonl');
const bomb = `${'a'.repeat(1000)}!`;
writeFileSync(
  rows,
  ['Hello', bomb].map((prompt) => `${JSON.stringify({ prompt, completion: 'b' })}\n`).join(''),
);
const out = (name: string) => ['--out', join(scratch, name)];

describe('a template that does not end', () => {
  it.each([
    ['generate', ['--prompt', 'Hi', '--max-new-tokens', '1']],
    ['data', ['--data', rows]],
    ['plan', ['--data', rows]],
    ['eval', ['--data', rows]],
    ['train', ['--data', rows, ...out('by-train')]],
  ])('ends %s with its limit', async (command, options) => {
    const { status, stderr } = await runCli([command, '--model', loops, ...options]);
    expect(stderr).toMatch(/graft: .*chat template (cannot be used: it takes more than|made no progress)/);
    expect(status).toBe(1);
  });
});

describe('a pattern that does not end', () => {
  it.each([
    ['generate', ['--prompt', bomb, '--raw', '--max-new-tokens', '1'], ''],
    ['data', ['--data', rows], ' on line 2 of rows.jsonl'],
    ['plan', ['--data', rows], ' on line 2 of rows.jsonl'],
    ['lr-range', ['--data', rows], ' on line 2 of rows.jsonl'],
    ['train', ['--data', rows, ...out('by-pattern')], ' on line 2 of rows.jsonl'],
  ])('ends %s, which names it and its line', async (command, options, where) => {
    const { status, stderr } = await runCli([command, '--model', pattern, ...options]);
    expect(stderr).toMatch(new RegExp(`graft: The tokenizer made no progress for \\d+ seconds${where} `));
    expect(stderr).toContain('“(a+)+$”');
    expect(status).toBe(1);
  });
});
