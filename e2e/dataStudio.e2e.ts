import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { accessibilityProblems } from './harness/accessibility.ts';
import { openChromium } from './harness/chromium.ts';
import { dropModel, OPEN } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';

/** Rows with one of most things that may be wrong, and one line that is no JSON. */
const rows = [
  { prompt: 'Who is Zip?', completion: 'Zip is a little robot.' },
  { prompt: 'Who is Zip?', completion: 'Zip is a little robot.' },
  { prompt: 'What does Zip eat?', completion: '' },
  { prompt: 'Where is Zip?', completion: 'Zip is in the cafÃ©.' },
  { prompt: 'Tell a long story.', completion: 'Zip walked and walked and walked. '.repeat(60) },
  { prompt: 'Is Zip glad?', completion: 'Yes, Zip is glad.' },
];

describe('data and recipe', () => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-data-studio-'));
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, sharedPath('models/stories260k'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const button = (name: string) => studio.click({ role: 'button', name });

  it('finds what is wrong with rows, and lets a person settle it', async () => {
    const data = join(folder, 'zip.jsonl');
    const lines = rows.map((row) => JSON.stringify(row));
    await writeFile(data, [...lines, '{"prompt": "Is Zip sad?", "completion": "No'].join('\n'));
    await studio.dropFiles('.drop[data-drop="data"]', [data]);
    const shown = await studio.waitForText('Worth a look', OPEN);
    expect(shown).toContain('1 row can’t be used and is left out');
    expect(shown).toContain('1 row has an empty answer');
    expect(shown).toContain('1 row repeats an earlier one');
    expect(shown).toContain('1 row looks like text in the wrong encoding');
    expect(shown).toContain('1 answer is cut off');
    await studio.screenshot('data-findings');
    expect(await accessibilityProblems(studio)).toEqual([]);

    await button('Exclude this row: 1 row repeats an earlier one');
    await studio.waitForText('1 row excluded', OPEN);
    expect(await studio.text()).not.toContain('1 row repeats an earlier one');

    // The row that is no JSON is repaired as text.
    await button('Show line 7');
    await studio.waitForText('can’t be used', OPEN);
    await button('Edit');
    await studio.fill('The row as JSON', '{"prompt": "Is Zip sad?", "completion": "No."}');
    await studio.waitForText(/\d+ tokens, [1-9]\d* trained, 0 cut off\./, OPEN);
    await button('Keep the edit');
    await studio.waitForText('1 row edited', OPEN);
    expect(await studio.text()).not.toContain('can’t be used and is left out');

    await studio.fill('Find text', 'cafÃ©');
    await button('Next row found');
    await studio.waitForText('line 4', OPEN);
    await button('Edit');
    await studio.fill('completion', 'Zip is in the café.');
    await studio.screenshot('data-editor');
    await button('Keep the edit');
    await studio.waitForText('2 rows edited', OPEN);
    await studio.fill('Line of the file', '5');
    await studio.waitForText('✂ cut here', OPEN);
    await studio.screenshot('data-cut');

    const path = await studio.download(() => button('Download as JSONL'));
    const kept = (await readFile(path, 'utf8')).trim().split('\n');
    expect(kept).toHaveLength(6);
    expect(kept.at(-1)).toBe('{"prompt":"Is Zip sad?","completion":"No."}');
    await button('Undo');
    await studio.waitForText('1 row edited', OPEN);
  });

  it('asks for columns whose names say nothing', async () => {
    const table = join(folder, 'table.csv');
    await writeFile(table, 'frage,antwort\n"Who, then?","Zip, a robot"\nWhere?,There\n');
    await studio.dropFiles('h1', [table]);
    const shown = await studio.waitForText('What the columns are', OPEN);
    expect(shown).toContain('Say first which columns of the data are what');
    await studio.waitForText('Zip, a robot', OPEN);
    await studio.screenshot('data-columns');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await button('Use these columns');
    await studio.waitForText('By chosen columns', OPEN);
    await studio.waitForText('As the model reads it', OPEN);
  });

  it('shows a shared recipe before it is taken', async () => {
    const changes = Buffer.from(JSON.stringify({ rank: 8, lr: 99, colour: 'green' })).toString('base64url');
    await studio.evaluate((link) => void (location.hash = link), `recipe=${changes}`);
    const shown = await studio.waitForText('A recipe from a link', OPEN);
    expect(shown).toContain('“colour”: no such setting here.');
    expect(shown).toContain('“Learning rate” is 99, but must be a number from 0 to 10.');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-link');
    await button('Take this recipe');
    await studio.waitForText('1 field differs from the defaults', OPEN);
    expect(await studio.evaluate(() => location.hash, null)).toBe('');
  });

  it('reads flags of finetune.py, keeps the recipe by name, and writes it for others', async () => {
    await button('Keep, share, other tools');
    await studio.fill(
      'Flags, a command, or a whole script of QwenLM/Qwen',
      'python finetune.py --use_lora --learning_rate 1e-4 --lora_target_modules q_proj v_proj --bf16 True',
    );
    await button('Read the flags');
    await studio.waitForText('--bf16 True: precision follows from', OPEN);
    await button('Take this recipe');
    await studio.fill('Name of the recipe', 'As at work');
    await button('Keep this recipe');
    await button('Balanced');
    expect(await studio.text()).not.toContain('differ from the defaults');
    await studio.select('Tool', 'Python for PEFT and TRL');
    await studio.waitForText('SFTConfig(', OPEN);
    await button('As at work');
    await studio.waitForText('target_modules=["q_proj", "v_proj"]', OPEN);
    await button('Advanced');
    await studio.select('Layers', 'The last ones');
    await studio.fill('How many of the last', '2');
    await studio.select('Target modules', 'Attention only');
    await studio.waitForText('layers_to_transform=[3, 4]', OPEN);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-share');
    await studio.colorScheme('dark');
    await studio.resize(390, 844);
    await studio.screenshot('recipe-share-phone');
    expect(studio.problems).toEqual([]);
  });
});
