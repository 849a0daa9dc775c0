import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, runCli, scratchFolder } from '../../../testing/cli.ts';
import { modelPath } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const recipe = join(scratch, 'recipe.json');
writeFileSync(recipe, JSON.stringify({ max_steps: 1, batch_size: 1, max_length: 64 }));

let made = 0;

function trainArgs(content: string | Uint8Array, name: string, on = model): { args: string[]; out: string } {
  const data = join(scratch, `${(made += 1)}-${name}`);
  writeFileSync(data, content);
  const out = join(scratch, `${made}-out`);
  return { args: ['train', '--model', on, '--data', data, '--out', out, '--recipe', recipe], out };
}

/** Trains on a data file, which must fail before anything is written; the line it says. */
async function failOn(content: string | Uint8Array, name = 'rows.jsonl', on = model): Promise<string> {
  const { args, out } = trainArgs(content, name, on);
  const line = await fail(args);
  expect(existsSync(out)).toBe(false);
  return line;
}

const tokens = (row: object) => `${JSON.stringify(row)}\n`;
const pair = tokens({ prompt: 'Who is Zip?', completion: 'Zip is a robot.' });

describe.concurrent('a data file without a usable row', () => {
  it.each<[string, string | Uint8Array, string | RegExp]>([
    ['that is empty', '', /^\d+-rows\.jsonl is empty\. Choose a file with at least one row\.$/],
    ['of blank lines', '\ufeff\r\n\n  \n', 'rows.jsonl is empty.'],
    [
      'where all is masked',
      tokens({ input_ids: [1, 2, 3], labels: [-100, -100, -100] }) + tokens({ input_ids: [1] }),
      /^No row of .*rows\.jsonl has a token to train on \(rows: 2\)\. The first: Line 1 .* all labels after the first are −100/,
    ],
    [
      'where the answers lie beyond the maximum length',
      tokens({
        input_ids: Array(80).fill(5),
        labels: [...Array<number>(70).fill(-100), ...Array<number>(10).fill(5)],
      }),
      'truncation to 64 tokens removes all tokens to train on (the row has 80).',
    ],
    [
      'where no one answers',
      tokens({ messages: [{ role: 'user', content: 'Hello?' }] }),
      'the conversation has no assistant answer',
    ],
    [
      'with bytes that are no text in any encoding',
      Buffer.concat([Buffer.from('{"text": "caf'), Buffer.of(0xff, 0x81, 0xfe), Buffer.from(' au lait"}\n')]),
      'rows.jsonl is not UTF-8, and its characters read well in several encodings, or in none',
    ],
    ['that is compressed and cut off', Buffer.of(0x1f, 0x8b, 8, 0), 'rows.jsonl cannot be unpacked (gzip)'],
    ['that is a web page', '<!doctype html><html></html>', /^File “\d+-rows\.jsonl” is a web page/],
    ['that is a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', 'is a Git LFS pointer'],
    [
      'of unknown shape',
      tokens({ frage: 'a', antwort: 'b' }),
      '(fields on line 1: frage, antwort). Use messages,',
    ],
    ['called __proto__', '{"__proto__": "x"}\n', '(fields on line 1: __proto__)'],
    [
      '10^6 levels deep',
      `{"text": ${'['.repeat(1e6)}${']'.repeat(1e6)}}\n`,
      'rows.jsonl is nested more than',
    ],
    [
      'with ids beyond the vocabulary',
      tokens({ input_ids: [1, 512, 3] }),
      '"input_ids"[1] is 512, expected a token id below 512, the model’s vocab_size.',
    ],
    [
      'with labels beyond it',
      tokens({ input_ids: [1, 2, 3], labels: [-100, 2, 900] }),
      '"labels"[2] is 900, expected',
    ],
    [
      'with more ids than labels',
      tokens({ input_ids: [1, 2, 3], labels: [-100, 2] }),
      '"input_ids" has 3 entries and "labels" has 2. Give every token one label',
    ],
    [
      'with ids that are not whole',
      tokens({ input_ids: [1, 2.5] }),
      '"input_ids"[1] is 2.5, expected a token id.',
    ],
    [
      'with half of a character',
      '{"text": "a\\ud800b"}\n',
      'field "text" contains half of a UTF-16 surrogate pair',
    ],
    [
      'with an unknown role',
      tokens({ messages: [{ role: 'boss', content: 'x' }] }),
      '"boss" in "messages[0].role"',
    ],
  ])('%s is told', async (_, content, text) => {
    expect(await failOn(content)).toMatch(text);
  });

  it('is told when it is a table of something else, a folder, or not there', async () => {
    expect(await failOn('a,b\nhi,there\n', 'rows.csv')).toMatch(/fields on line 2: a, b/);
    const evaluate = (data: string) => fail(['eval', '--model', model, '--data', data]);
    expect(await evaluate(join(scratch, 'no.jsonl'))).toBe(
      `“no.jsonl” is not in ${scratch}. Check the name, or choose the folder that contains it.`,
    );
    expect(await evaluate(join(scratch, 'no', 'no.jsonl'))).toMatch(
      `Folder “${join(scratch, 'no')}” does not exist.`,
    );
    expect(await evaluate(scratch)).toMatch('is a folder, not a file.');
  });

  it('is told when its text meets a model without a tokenizer', async () => {
    const line = await failOn(pair, 'rows.jsonl', modelPath('tiny-qwen2'));
    expect(line).toMatch('The model folder has no tokenizer (tokenizer.json or qwen.tiktoken), but');
  });
});

describe('a data file with rows that cannot be used', () => {
  it('is trained on without them, and they are told by line', async () => {
    const bad = ['not json', '{"prompt": "Hi"}', '', '{"prompt": 5, "completion": "x"}', '[1]', '{"text":'];
    const content = pair + bad.map((line) => `${line}\n`).join('') + pair.trimEnd();
    const { args, out } = trainArgs(`\ufeff${content.replaceAll('\n', '\r\n')}`, 'mixed.jsonl');
    const { status, stderr } = await runCli(args);
    expect(status).toBe(0);
    expect(existsSync(join(out, 'adapter_config.json'))).toBe(true);
    const notes = stderr.split('\n').filter((line) => !line.startsWith('step '));
    expect(notes.slice(0, 6).map((line) => /^Line (\d+) of \d+-mixed\.jsonl[ :]/.exec(line)?.[1])).toEqual([
      '2',
      '3',
      '5',
      '6',
      '7',
      undefined,
    ]);
    expect(notes[5]).toBe('Rows used: 2. Problems: 5.');
  });

  it('tells ten problems, and how many there are', async () => {
    const { args } = trainArgs(`${'bad\n'.repeat(1500)}${pair}`, 'many.jsonl');
    const { status, stderr } = await runCli(args);
    expect(status).toBe(0);
    expect(stderr.match(/^Line \d+ of/gm)).toHaveLength(10);
    expect(stderr).toMatch('… and 1490 more problems.\nRows used: 1. Problems: 1500.\n');
  });

  it('tells a JSON array that is cut off', async () => {
    const { args } = trainArgs('[\n{"text": "Zip was a robot."},\n{"text": "Zip w', 'cut.json');
    const { status, stderr } = await runCli(args);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /The JSON array in \d+-cut\.json is not closed: the file ends on line 3, in or after the row that starts on line 3\./,
    );
  });
});
