import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { question, reply, writeBaseEnds } from '../src/testing/baseEnds.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { answerOf, dropData, dropModel, OPEN, train, unzip } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

let studio: Studio;
let folder: string;
beforeAll(async () => {
  studio = await openChromium(inject('studioUrl'));
  folder = await mkdtemp(join(tmpdir(), 'graft-ends-'));
});
afterAll(async () => {
  await studio?.close();
  await rm(folder, { recursive: true, force: true });
});

it('a base model’s answers end where its template ends a turn: when tried, in samples, and exported', async () => {
  const { eos, end } = writeBaseEnds(join(folder, 'base'));
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'Hello' },
  ];
  await writeFile(join(folder, 'rows.jsonl'), JSON.stringify({ messages }));
  const recipe = join(folder, 'recipe.json');
  await writeFile(recipe, JSON.stringify({ rank: 2, lr: 1e-6, max_steps: 1, batch_size: 1 }));

  await studio.open();
  await studio.waitForText('WebGPU is ready', OPEN);
  await dropModel(studio, join(folder, 'base'));
  expect(await answerOf(studio, 'base', question)).toBe(reply);

  await dropData(studio, join(folder, 'rows.jsonl'));
  await studio.waitForText('EOS and the chat template’s end-of-turn token differ', OPEN);
  expect(await studio.text()).toContain('The tokenizer’s EOS is <|endoftext|>');
  await studio.screenshot('ends-finding');
  await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
  await studio.view('Train');
  await studio.fill('Prompts to answer at every checkpoint', question);
  await train(studio);
  await studio.waitForText('Trained 1 step', OPEN);
  const samples = await studio.evaluate(
    () => [...document.querySelectorAll('.samples__answers dd')].map((e) => e.textContent),
    null,
  );
  expect(samples.length).toBeGreaterThan(0);
  for (const sample of samples) expect(sample).toBe(reply);

  await studio.view('Export');
  const ends = async (name: string) => {
    const button = { role: 'button' as const, name };
    const zip = await studio.download(() => studio.click(button), OPEN);
    const unpacked = await unzip(zip, folder);
    const file = await readFile(join(unpacked, 'generation_config.json'), 'utf8');
    return (JSON.parse(file) as { eos_token_id: unknown }).eos_token_id;
  };
  expect(await ends('Download adapter')).toEqual([eos, end]);
  expect(await ends('Download merged model')).toEqual([eos, end]);
  await studio.waitForText(`generation_config.json now also lists <|im_end|> (${end})`);
  await studio.screenshot('ends-proof');
  expect(studio.problems).toEqual([]);
});
