import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { accessibilityProblems } from './harness/accessibility.ts';
import { openChromium } from './harness/chromium.ts';
import { dropModel, OPEN, unzip } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';

const model = sharedPath('models/stories260k');
/** As few and small steps as show a falling loss; 2 rows to measure the merges on. */
const shortRecipe = { rank: 8, alpha: 16, lr: 5e-3, max_steps: 4, batch_size: 2, eval_fraction: 0.01 };

describe('a QLoRA job in Chromium', () => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-qlora-'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, model);
    await studio.dropFiles('.drop[data-drop="data"]', [sharedPath('data/robot-stories.jsonl')]);
    await studio.waitForText('As the model reads it', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const peakOf = (text: string) => /([\d.]+) MB at the peak/.exec(text)?.[1];

  it('tells the memory of a recipe, what fits, and what to change', async () => {
    const lora = await studio.waitForText(/Counted on your data/, OPEN);
    expect(lora).toContain('Weights\n1.04 MB');
    expect(lora).toMatch(/MB\s+of GPU memory to train by the recipe below/);
    await studio.select('Method', 'QLoRA (4 bits)');
    const qlora = await studio.waitForText('Weights\n262 KB');
    expect(Number(peakOf(qlora))).toBeLessThan(Number(peakOf(lora)));

    await studio.fill('GPU memory', '0.0045');
    const advised = await studio.waitForText('What helps, in order:');
    expect(advised).toContain('Won’t fit as it is');
    await studio.screenshot('memory-advice');
    expect(await accessibilityProblems(studio)).toEqual([]);
    const [, settings] =
      /(Batch size \d, gradient accumulation \d): the same rows a step/.exec(advised) ?? [];
    await studio.click({ role: 'button', name: `Apply: ${settings}: the same rows a step.` });
    await studio.waitForText(/\bFits\b/);
    await studio.fill('GPU memory', '16');
    await studio.waitForText('of 16 GB of GPU memory');
  });

  it(
    'trains on 4 bits, shows both merges, and proves the one onto the original',
    { timeout: OPEN },
    async () => {
      const recipe = join(folder, 'recipe.json');
      await writeFile(recipe, JSON.stringify(shortRecipe));
      await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
      await studio.select('Method', 'QLoRA (4 bits)');
      await studio.waitForText('About 4 steps over 238 rows.');
      await studio.waitForText('Weights\n262 KB');
      await studio.click({ role: 'button', name: 'Train' });
      await studio.waitForText('Trained 4 steps', OPEN);
      const trained = await studio.waitForText(/MB at the peak, [\d.]+ MB planned/);
      const [, first, last] = /Loss went from ([\d.]+) to ([\d.]+)\./.exec(trained) ?? [];
      expect(Number(last)).toBeLessThan(0.9 * Number(first));
      const [, measured, planned] = /([\d.]+) MB at the peak, ([\d.]+) MB planned/.exec(trained) ?? [];
      expect(Number(planned) / Number(measured)).toBeGreaterThan(0.9);
      expect(Number(planned) / Number(measured)).toBeLessThan(1.1);

      await studio.click({ role: 'button', name: 'Storage' });
      expect(await studio.waitForText('4-bit weights, made here')).toMatch(/on this device/);

      await studio.waitForText('4-bit NF4, 266 KB');
      await studio.click({ role: 'button', name: 'Measure both on 2 eval rows' });
      const losses = await studio.waitForText(/(?:Eval loss [\d.]+[^]*){2}/, OPEN);
      expect(losses).toContain('The 4-bit weights it was trained on');
      const zip = await studio.download(
        () => studio.click({ role: 'button', name: 'Download merged model' }),
        OPEN,
      );
      const proved = await studio.waitForText('Read back and proved');
      expect(proved).toContain('35 carry what was learned');
      await studio.screenshot('qlora-exported');
      expect(await accessibilityProblems(studio)).toEqual([]);
      // A model card comes with the base's own files.
      const files = new Set(['README.md', ...(await readdir(model))]);
      expect((await readdir(await unzip(zip, folder))).sort()).toEqual([...files].sort());
      expect(studio.problems).toEqual([]);
    },
  );
});
