import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { downloadResult, dropData, dropModel, OPEN, train, unzip } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

/** As few and small steps as show a falling loss, at a rate for random weights; 2 rows to measure the merges on. */
const shortRecipe = { rank: 8, alpha: 16, lr: 5e-2, max_steps: 4, batch_size: 2, eval_fraction: 0.01 };

describe('a QLoRA job in Chromium', () => {
  let studio: Studio;
  let folder: string;
  let model: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-qlora-'));
    model = writeTinyStories(folder);
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, model);
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const peakOf = (text: string) => /([\d.]+) MB peak/.exec(text)?.[1];

  it('shows the memory of a recipe, what fits, and what to change', async () => {
    await studio.view('Model');
    await studio.waitForText(/MB\s+of GPU memory to train with the recipe/);
    await studio.view('Recipe');
    const lora = await studio.waitForText(/Calculated on your data/, OPEN);
    expect(lora).toContain('Weights\n1.04 MB');
    await studio.click({ role: 'button', name: 'All settings' });
    await studio.select('Method', 'QLoRA (4-bit)');
    const qlora = await studio.waitForText('Weights\n262 KB');
    expect(Number(peakOf(qlora))).toBeLessThan(Number(peakOf(lora)));

    await studio.fill('GPU memory', '0.0045');
    const advised = await studio.waitForText('To reduce it, in order:');
    expect(advised).toContain('Doesn’t fit');
    await studio.screenshot('memory-advice');
    expect(await accessibilityProblems(studio)).toEqual([]);
    const [, settings] =
      /(Batch size \d, gradient accumulation \d): the same rows per step/.exec(advised) ?? [];
    await studio.click({ role: 'button', name: `Apply: ${settings}: the same rows per step.` });
    await studio.waitForText(/\bFits\b/);
    await studio.fill('GPU memory', '16');
    await studio.waitForText('of 16 GB GPU memory');
  });

  it('trains on 4-bit weights, shows both merges, and verifies the one onto the original', async () => {
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify(shortRecipe));
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await studio.view('Recipe');
    await studio.select('Method', 'QLoRA (4-bit)');
    await studio.waitForText('Weights\n262 KB');
    await studio.view('Train');
    await studio.waitForText('About 4 steps over 238 rows.');
    await train(studio);
    await studio.waitForText('Trained 4 steps', OPEN);
    const trained = await studio.waitForText(/MB peak, [\d.]+ MB planned/);
    const [, first, last] = /Loss went from ([\d.]+) to ([\d.]+)\./.exec(trained) ?? [];
    expect(Number(last)).toBeLessThan(0.9 * Number(first));
    const [, measured, planned] = /([\d.]+) MB peak, ([\d.]+) MB planned/.exec(trained) ?? [];
    expect(Number(planned) / Number(measured)).toBeGreaterThan(0.9);
    expect(Number(planned) / Number(measured)).toBeLessThan(1.1);

    await studio.view('Model');
    await studio.click({ role: 'button', name: 'Storage' });
    expect(await studio.waitForText('4-bit weights, quantized here')).toMatch(/on this device/);

    await studio.view('Export');
    await studio.waitForText('4-bit NF4, 266 KB');
    await studio.click({ role: 'button', name: 'Compare both on 2 eval rows' });
    const losses = await studio.waitForText(/(?:Eval loss [\d.]+[^]*){2}/, OPEN);
    expect(losses).toContain('Dequantized 4-bit weights, as trained on');
    const zip = await downloadResult(studio, 'Download merged model');
    const proved = await studio.waitForText('Read back and verified');
    expect(proved).toContain('35 changed by training');
    await studio.screenshot('qlora-exported');
    expect(await accessibilityProblems(studio)).toEqual([]);
    // A model card is among the base's own files.
    const files = new Set(['README.md', ...(await readdir(model))]);
    expect((await readdir(await unzip(zip, folder))).sort()).toEqual([...files].sort());
    expect(studio.problems).toEqual([]);
  });
});
