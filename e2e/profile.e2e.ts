import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { dropData, OPEN, train } from '../src/testing/browsers/job.ts';
import { dropModel } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

/** Far more steps than the test waits for. */
const recipe = { rank: 4, batch_size: 1, max_steps: 500, eval_fraction: 0 };

describe('the developer panel', () => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-e2e-'));
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready');
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('shows a step of the run as a flame chart and a table', async () => {
    await dropModel(studio, writeTinyStories(folder));
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    const file = join(folder, 'recipe.json');
    await writeFile(file, JSON.stringify(recipe));
    await studio.setFiles('input[accept=".json,application/json"]', [file]);
    await studio.view('Train');
    await studio.waitForText('About 500 steps');
    await train(studio);
    await studio.waitForText(/first step after \d/, OPEN);
    await studio.click({ role: 'button', name: 'Profile of a step' });
    await studio.waitForText(/weights [\d.]+ m?s, compiling \d+ shaders [\d.]+ m?s/);
    await studio.click({ role: 'button', name: 'Profile the next step' });
    const shown = await studio.waitForText(/\d+ dispatches: [\d.]+ m?s in kernels/, OPEN);
    expect(shown).toMatch(
      /matmul_(tile|split|subgroup) NT\s+\d+\s+[\d.]+ (m|µ)?s\s+\d+%\s+[\d.]+ [kMG]?FLOP\/s/,
    );
    await studio.click({ role: 'button', name: 'Stop and keep the adapter' });
    await studio.waitForText(/Stopped after \d+ steps/, OPEN);

    const keys = async (...names: string[]) => {
      for (const key of names) {
        await studio.evaluate((name) => {
          const chart = document.querySelector<HTMLElement>('.flame__chart');
          chart?.focus();
          chart?.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
        }, key);
      }
    };
    await keys('ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowDown');
    await studio.waitForText(/in forward › layer 0: .* workgroups/);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('profile-light');
    await keys('Enter');
    await studio.waitForText('Whole step');
    await studio.colorScheme('dark');
    await studio.screenshot('profile-dark');
    expect(studio.problems).toEqual([]);
  });
});
