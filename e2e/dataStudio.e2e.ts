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
    expect(shown).toContain('1 row is there before');
    expect(shown).toContain('1 row looks like text in the wrong encoding');
    expect(shown).toContain('1 answer is cut off');
    await studio.screenshot('data-findings');
    expect(await accessibilityProblems(studio)).toEqual([]);

    await button('Exclude this row: 1 row is there before');
    await studio.waitForText('1 row excluded', OPEN);
    expect(await studio.text()).not.toContain('1 row is there before');

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
});
