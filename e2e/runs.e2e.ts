import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';

const recipe = { rank: 4, alpha: 8, lr: 5e-3, max_steps: 24, batch_size: 2, max_length: 128 };
const fast = { ...recipe, checkpoint_steps: 4, dropout: 0.1, eval_fraction: 0.1, eval_steps: 8 };
const resume = { role: 'button', name: 'Resume LoRA r4 5e-3, robot-stories' };

describe('stored runs', () => {
  let studio: ChromiumStudio;
  let folder: string;
  let model: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-runs-'));
    model = writeTinyStories(folder);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const openModel = async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, model);
  };
  const stepReached = async (step: number) => {
    const read = async () => Number(/Step\s+(\d+)\s+of 24/.exec(await studio.text())?.[1] ?? 0);
    await expect.poll(read, { timeout: OPEN, interval: 100 }).toBeGreaterThanOrEqual(step);
  };

  it('resumes after a pause, a killed tab and a lost GPU, and completes', async () => {
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify(fast));
    await openModel();
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    await studio.setFiles('input[accept=".json,application/json"]', [path]);
    await studio.view('Train');
    await studio.fill('Prompts to answer at every checkpoint', 'Who is Zip?');

    await train(studio);
    await stepReached(4);
    await studio.click({ role: 'button', name: 'Pause' });
    await studio.waitForText(/Paused after step \d+/, OPEN);
    await studio.waitForText('before training');
    await studio.screenshot('runs-1-paused');

    // A new visit: resuming is offered once the run's model is open.
    await studio.killTab();
    await studio.open();
    await studio.waitForText('“LoRA r4 5e-3, robot-stories” is paused at step', OPEN);
    await studio.waitForText('The model is in the folder “tiny-stories”.');
    await dropModel(studio, model);
    await studio.view('Train');
    await studio.click(resume);
    await stepReached(8);

    // The tab dies during training.
    await studio.killTab();
    await openModel();
    await studio.view('Home');
    await studio.waitForText('“LoRA r4 5e-3, robot-stories” was interrupted at step', OPEN);
    await studio.click(resume);
    await stepReached(12);

    // The GPU is lost during training: the run resumes by itself.
    await studio.crashGpu();
    await studio.waitForText('The GPU device or its worker was lost 1 time', OPEN);
    await studio.waitForText(/Trained 24 steps/, OPEN);
    await studio.screenshot('runs-2-trained');
    expect(await accessibilityProblems(studio)).toEqual([]);
  });

  it('loads an earlier checkpoint, exports the run, deletes and imports it', async () => {
    await studio.click({ role: 'button', name: 'Runs on this device' });
    await studio.click({ role: 'button', name: 'Details of LoRA r4 5e-3, robot-stories' });
    await studio.waitForText('Checkpoints');
    await studio.screenshot('runs-3-details');
    await studio.click({ role: 'button', name: 'Try the checkpoint at step 20' });
    await studio.waitForText('in use', OPEN);
    expect(await accessibilityProblems(studio)).toEqual([]);

    await studio.click({ role: 'button', name: 'Export run' });
    await studio.waitForText(/Save .*\.zip/, OPEN);
    const file = await studio.download(() =>
      studio.evaluate(() => {
        const buttons = [...document.querySelectorAll('button')];
        buttons.find(({ textContent }) => /^Save .*\.zip/.test(textContent ?? ''))?.click();
      }, null),
    );
    await studio.click({ role: 'button', name: 'Delete LoRA r4 5e-3, robot-stories' });
    await studio.click({ role: 'button', name: 'Delete' });
    await studio.waitForText('0 runs', OPEN);
    await studio.chooseFiles({ role: 'button', name: 'Import a run' }, [file]);
    await studio.waitForText('1 run', OPEN);
    await studio.waitForText('LoRA r4 5e-3, robot-stories');
    expect(studio.problems.filter((text) => !/GPU|device/i.test(text))).toEqual([]);
  });
});
