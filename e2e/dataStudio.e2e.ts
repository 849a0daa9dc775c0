import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

/** Rows with most kinds of problems, and one line that is not JSON. */
const rows = [
  { prompt: 'Who is Zip?', completion: 'Zip is a little robot.' },
  { prompt: 'Who is Zip?', completion: 'Zip is a little robot.' },
  { prompt: 'What does Zip eat?', completion: '' },
  { prompt: 'Where is Zip?', completion: 'Zip is in the cafÃ©.' },
  { prompt: 'Tell a long story.', completion: 'Zip walked and walked and walked. '.repeat(120) },
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
    await dropModel(studio, writeTinyStories(folder));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const button = (name: string) => studio.click({ role: 'button', name });

  it('finds problems in rows, and lets the user fix them', async () => {
    const data = join(folder, 'zip.jsonl');
    const lines = rows.map((row) => JSON.stringify(row));
    await writeFile(data, [...lines, '{"prompt": "Is Zip sad?", "completion": "No'].join('\n'));
    await dropData(studio, data);
    await studio.waitForText('Worth checking', OPEN);
    // Of tokens, so it comes after what is found in the rows.
    const shown = await studio.waitForText('1 answer is truncated', OPEN);
    expect(shown).toContain('1 row can’t be used and is skipped');
    expect(shown).toContain('1 row has an empty answer');
    expect(shown).toContain('1 row repeats an earlier one');
    expect(shown).toContain('1 row looks like text in the wrong encoding');
    await studio.screenshot('data-findings');
    expect(await accessibilityProblems(studio)).toEqual([]);

    await button('Exclude this row: 1 row repeats an earlier one');
    await studio.waitForText('1 row excluded', OPEN);
    expect(await studio.text()).not.toContain('1 row repeats an earlier one');

    // The row that is not JSON is repaired as text.
    await button('Show line 7');
    await studio.waitForText('unusable', OPEN);
    await button('Edit');
    await studio.fill('Row as JSON', '{"prompt": "Is Zip sad?", "completion": "No."}');
    await studio.waitForText(/\d+ tokens, [1-9]\d* trained, 0 truncated\./, OPEN);
    await button('Apply');
    await studio.waitForText('1 row edited', OPEN);
    expect(await studio.text()).not.toContain('can’t be used and is skipped');

    await studio.fill('Find text', 'cafÃ©');
    await button('Next match');
    await studio.waitForText('line 4', OPEN);
    await button('Edit');
    await studio.fill('completion', 'Zip is in the café.');
    await studio.screenshot('data-editor');
    await button('Apply');
    await studio.waitForText('2 rows edited', OPEN);
    await studio.fill('Line in the file', '5');
    await studio.waitForText('✂ truncated here', OPEN);
    await studio.screenshot('data-cut');

    const path = await studio.download(() => button('Download as JSONL'));
    const saved = (await readFile(path, 'utf8')).trim().split('\n');
    expect(saved).toHaveLength(6);
    expect(saved.at(-1)).toBe('{"prompt":"Is Zip sad?","completion":"No."}');
    await button('Undo');
    await studio.waitForText('1 row edited', OPEN);
  });

  it('asks for columns with unknown names', async () => {
    const table = join(folder, 'table.csv');
    await writeFile(table, 'frage,antwort\n"Who, then?","Zip, a robot"\nWhere?,There\n');
    await studio.dropFiles('h1', [table]);
    await studio.waitForText('Column roles', OPEN);
    await studio.waitForText('Zip, a robot', OPEN);
    await studio.screenshot('data-columns');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.view('Train');
    await studio.waitForText('Choose the prompt and answer columns first');
    await studio.view('Data');
    await button('Use these columns');
    await studio.waitForText('Selected columns', OPEN);
    await studio.waitForText('What the model sees', OPEN);
  });

  it('shows a shared recipe before it is applied', async () => {
    const changes = Buffer.from(JSON.stringify({ rank: 8, lr: 99, colour: 'green' })).toString('base64url');
    await studio.evaluate((link) => void (location.hash = link), `recipe=${changes}`);
    const shown = await studio.waitForText('Recipe from a link', OPEN);
    expect(shown).toContain('“colour”: no such setting here.');
    expect(shown).toContain('“Learning rate” is 99, but must be a number from 0 to 10.');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-link');
    await button('Use this recipe');
    await studio.waitForText('1 setting differs from the defaults', OPEN);
    expect(await studio.evaluate(() => location.hash, null)).toMatch(/^#\/.*recipe$/);
  });

  it('reads finetune.py flags, saves the recipe by name, and exports it to other tools', async () => {
    await button('Save, share, other tools');
    await studio.fill(
      'Flags, a command, or a whole script from QwenLM/Qwen',
      'python finetune.py --use_lora --learning_rate 1e-4 --lora_target_modules q_proj v_proj --bf16 True',
    );
    await button('Read flags');
    await studio.waitForText('--bf16 True: the precision depends on', OPEN);
    await button('Use this recipe');
    await studio.fill('Recipe name', 'As at work');
    await button('Save in this browser');
    await button('All settings');
    await button('Balanced');
    expect(await studio.text()).not.toMatch(/\d settings? differs? from the defaults/);
    await studio.select('Tool', 'Python for PEFT and TRL');
    await studio.waitForText('SFTConfig(', OPEN);
    await button('As at work');
    await studio.waitForText('target_modules=["q_proj", "v_proj"]', OPEN);
    await studio.select('Layers', 'Last layers');
    await studio.fill('Number of last layers', '2');
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
