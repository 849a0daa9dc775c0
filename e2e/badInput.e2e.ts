import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { goldenPath } from '../src/testing/fixtures.ts';
import { writeRandomAdapter, writeTinyStories } from '../src/testing/tinyStories.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { OPEN } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

describe('user mistakes', () => {
  let studio: Studio;
  let folder: string;
  let model: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-bad-input-'));
    model = writeTinyStories(folder);
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.view('Model');
    await studio.dropFiles('.drop[data-drop="model"]', [model]);
    await studio.waitForText('Vocabulary', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const drop = (...paths: string[]) => studio.dropFiles('h1', paths);

  it('keeps the open model if another is damaged, and reports file and key', async () => {
    const cut = join(folder, 'cut');
    await cp(model, cut, { recursive: true });
    await truncate(join(cut, 'model.safetensors'), 500_000);
    await drop(cut);
    await studio.waitForText(/model\.safetensors.*ends at byte/, OPEN);
    const other = join(folder, 'other');
    await cp(model, other, { recursive: true });
    const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
    delete config.intermediate_size;
    await writeFile(join(other, 'config.json'), JSON.stringify(config));
    await drop(other);
    const shown = await studio.waitForText('intermediate_size', OPEN);
    expect(shown).toContain('260,032');
  });

  it('lists unusable lines and uses the others', async () => {
    const data = join(folder, 'mixed.jsonl');
    const row = '{"prompt":"Who is Zip?","completion":"Zip is a robot."}';
    await writeFile(
      data,
      Buffer.concat([
        Buffer.from(`${row}\n{"prompt":"cut`),
        Buffer.from(`\n${row}\n{"prompt":"`),
        Buffer.of(0xff, 0xfe),
        Buffer.from(`"}\n${row}\n`),
      ]),
    );
    await drop(data);
    const shown = await studio.waitForText('2 rows can’t be used and are skipped', OPEN);
    expect(shown).toMatch(/Line 2\b/i);
    expect(shown).toMatch(/Line 4\b/i);
    await studio.view('Train');
    await studio.waitForText('About 3 steps over 3 rows.', OPEN);
    await studio.screenshot('bad-lines');
  });

  it('rejects data in which nothing is trained', async () => {
    const data = join(folder, 'masked.jsonl');
    await writeFile(data, '{"input_ids":[1,5,6],"labels":[-100,-100,-100]}\n');
    await drop(data);
    await studio.waitForText(/masked\.jsonl.*(trained|masked)/i, OPEN);
  });

  it('refuses an adapter of another model, and keeps the page usable', async () => {
    await drop(goldenPath('tiny-qwen2-lora', 'final_adapter'));
    await studio.waitForText(/adapter’s own base model/, OPEN);
    await studio.screenshot('bad-adapter');
    const own = join(folder, 'adapter');
    await mkdir(own);
    await writeRandomAdapter(model, own);
    await drop(own);
    await studio.waitForText('rank 8, 35 modules', OPEN);
  });

  it('rejects a tokenizer that does not match the model', async () => {
    const misfit = join(folder, 'misfit');
    await mkdir(misfit);
    await cp(model, misfit, { recursive: true });
    const tokenizer = JSON.parse(await readFile(join(model, 'tokenizer.json'), 'utf8'));
    tokenizer.model.vocab['extra'] = 600;
    await writeFile(join(misfit, 'tokenizer.json'), JSON.stringify(tokenizer));
    await drop(misfit);
    // The adapter was opened, not trained: nothing is lost, so there is no question.
    await studio.waitForText(/tokenizer.*512/i, OPEN);
  });
});

describe('a browser without WebGPU', () => {
  let studio: Studio;
  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'), { webgpu: false });
  });
  afterAll(async () => studio?.close());

  it('shows an explanation and the fix, and stays readable', async () => {
    await studio.open();
    const shown = await studio.waitForText(/not support WebGPU|no GPU adapter/, OPEN);
    expect(shown).toContain('Check again');
    expect(shown).toContain('Requires WebGPU, see Home.');
    await studio.screenshot('no-webgpu');
  });
});
