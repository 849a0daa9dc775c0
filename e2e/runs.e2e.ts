import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { accessibilityProblems } from './harness/accessibility.ts';
import { openChromium, type ChromiumStudio } from './harness/chromium.ts';
import { dropModel, OPEN } from './harness/job.ts';

const recipe = { rank: 4, alpha: 8, lr: 5e-3, max_steps: 40, batch_size: 2, max_length: 128 };
const fast = { ...recipe, checkpoint_steps: 2, dropout: 0.1, eval_fraction: 0.1, eval_steps: 10 };
const resume = { role: 'button', name: 'Go on with robot-stories.jsonl' };

describe('stored runs', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-runs-'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const openModel = async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, sharedPath('models/stories260k'));
  };
  const stepReached = async (step: number) => {
    const read = async () => Number(/Step\s+(\d+)\s+of 40/.exec(await studio.text())?.[1] ?? 0);
    await expect.poll(read, { timeout: OPEN, interval: 100 }).toBeGreaterThanOrEqual(step);
  };

  it('goes on after a pause, a killed tab and a lost GPU, to its end', { timeout: 900_000 }, async () => {
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify(fast));
    await openModel();
    await studio.dropFiles('.drop[data-drop="data"]', [sharedPath('data/robot-stories.jsonl')]);
    await studio.waitForText('As the model reads it', OPEN);
    await studio.setFiles('input[accept=".json,application/json"]', [path]);
    await studio.fill('Prompts to answer at every checkpoint', 'Who is Zip?');

    await studio.click({ role: 'button', name: 'Train' });
    await stepReached(6);
    await studio.click({ role: 'button', name: 'Pause' });
    await studio.waitForText(/Paused after step \d+/, OPEN);
    await studio.waitForText('before training');
    await studio.screenshot('runs-1-paused');

    // A new visit: the run is offered once its model is there.
    await studio.killTab();
    await studio.open();
    await studio.waitForText('“robot-stories.jsonl” is paused at step', OPEN);
    await studio.waitForText('Open the model “stories260k” above first');
    await dropModel(studio, sharedPath('models/stories260k'));
    await studio.click(resume);
    await stepReached(12);

    // The tab dies in mid-training.
    await studio.killTab();
    await openModel();
    await studio.waitForText('“robot-stories.jsonl” was cut off at step', OPEN);
    await studio.click(resume);
    await stepReached(18);

    // The GPU is lost in mid-training: it goes on by itself.
    await studio.crashGpu();
    await studio.waitForText('The GPU or its worker was lost 1 time', OPEN);
    await studio.waitForText(/Trained 40 steps/, OPEN);
    await studio.screenshot('runs-2-trained');
    expect(await accessibilityProblems(studio)).toEqual([]);
  });

  it(
    'takes an earlier checkpoint, exports the run, deletes and imports it',
    { timeout: 600_000 },
    async () => {
      await studio.click({ role: 'button', name: 'Runs on this device' });
      await studio.click({ role: 'button', name: 'Details of robot-stories.jsonl' });
      await studio.waitForText('Checkpoints');
      await studio.screenshot('runs-3-details');
      await studio.click({ role: 'button', name: 'Try the checkpoint of step 38' });
      await studio.waitForText('in use', OPEN);
      expect(await accessibilityProblems(studio)).toEqual([]);

      await studio.click({ role: 'button', name: 'Export the run' });
      await studio.waitForText(/Save .*\.zip/, OPEN);
      const file = await studio.download(() =>
        studio.evaluate(() => {
          const buttons = [...document.querySelectorAll('button')];
          buttons.find(({ textContent }) => /^Save .*\.zip/.test(textContent ?? ''))?.click();
        }, null),
      );
      await studio.click({ role: 'button', name: 'Delete robot-stories.jsonl' });
      await studio.click({ role: 'button', name: 'Delete' });
      await studio.waitForText('0 runs', OPEN);
      await studio.chooseFiles({ role: 'button', name: 'Open an exported run' }, [file]);
      await studio.waitForText('1 run', OPEN);
      await studio.waitForText('step 40 of 40');
      expect(studio.problems.filter((text) => !/GPU|device/i.test(text))).toEqual([]);
    },
  );
});
