import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { question, reply, writeBaseEnds } from '../../../testing/baseEnds.ts';
import { runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const at = (name: string) => join(scratch, name);
const json = (...path: string[]) =>
  JSON.parse(readFileSync(join(...path), 'utf8')) as Record<string, unknown>;
const generate = (prompt: string, ...args: string[]) =>
  succeed(['generate', '--max-new-tokens', '60', '--prompt', prompt, ...args]);
const ask = (...args: string[]) => generate(question, ...args);
const said = `${reply}\n`;
let ids: { eos: number; end: number };

beforeAll(() => {
  ids = writeBaseEnds(at('base'));
  const chat = (content: string, answer: string) => ({
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: answer },
    ],
  });
  const rows = [chat('hi', 'Hello'), chat('who are you?', 'A robot')];
  writeFileSync(at('data.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});

it('an answer ends where the template ends a turn; a text that is continued does not', async () => {
  expect(await ask('--model', starter)).toBe(said);
  expect(await ask('--model', at('base'))).toBe(said);
  const text = `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
  const raw = await generate(text, '--raw', '--model', at('base'));
  expect(raw.startsWith(reply)).toBe(true);
  expect(raw).not.toBe(said);
  // The starter's own EOS is the template's end.
  expect(await generate(text, '--raw', '--model', starter)).toBe(said);
});

it.each([
  ['an adapter', { rank: 4, lr: 1e-4 }],
  ['a whole model', { method: 'full', lr: 1e-6 }],
])('%s names the trained end, and a merge of it too', async (_name, settings) => {
  const isModel = 'method' in settings;
  const [recipe, out, merged] = [at('recipe.json'), at(isModel ? 'full' : 'adapter'), at('merged')];
  writeFileSync(recipe, JSON.stringify({ epochs: 1, batch_size: 2, warmup_steps: 0, ...settings }));
  const train = [
    'train',
    '--model',
    at('base'),
    '--data',
    at('data.jsonl'),
    '--recipe',
    recipe,
    '--out',
    out,
  ];
  const { status, stderr } = await runCli(train);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const end = { id: ids.end, token: '<|im_end|>' };
  const ends = [ids.eos, ids.end];
  expect(stderr).toContain(`Answers end with <|im_end|> (${end.id})`);
  expect(json(out, 'generation_config.json').eos_token_id).toEqual(ends);
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain(`\`<|im_end|>\` (${end.id})`);
  if (isModel) return expect(await ask('--model', out)).toBe(said);

  const merge = ['merge', '--model', at('base'), '--adapter', out, '--out', merged];
  const { proof } = JSON.parse(await succeed(merge)) as { proof: { addedEnds: unknown } };
  expect(proof.addedEnds).toEqual([end]);
  expect(json(merged, 'generation_config.json')).toEqual({
    ...json(at('base'), 'generation_config.json'),
    eos_token_id: ends,
  });
  for (const file of ['config.json', 'tokenizer_config.json', 'tokenizer.json']) {
    expect(readFileSync(join(merged, file)).equals(readFileSync(join(at('base'), file))), file).toBe(true);
  }
  expect(await ask('--model', at('base'), '--adapter', out)).toBe(said);
  expect(await ask('--model', merged)).toBe(said);
});
