import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { openChromium } from './harness/chromium.ts';
import type { Studio } from './harness/studio.ts';

const stories = sharedPath('models/stories260k');
const OPEN = 20_000;

describe('what a person may get wrong', () => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-bad-input-'));
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.dropFiles('.drop[data-drop="model"]', [stories]);
    await studio.waitForText('Vocabulary', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const drop = (...paths: string[]) => studio.dropFiles('h1', paths);

  it('keeps the open model when another is damaged, and names file and key', async () => {
    const cut = join(folder, 'cut');
    await cp(stories, cut, { recursive: true });
    await truncate(join(cut, 'model.safetensors'), 500_000);
    await drop(cut);
    await studio.waitForText(/model\.safetensors.*Get it again|get it again/i, OPEN);
    const other = join(folder, 'other');
    await cp(stories, other, { recursive: true });
    const config = JSON.parse(await readFile(join(stories, 'config.json'), 'utf8'));
    delete config.intermediate_size;
    await writeFile(join(other, 'config.json'), JSON.stringify(config));
    await drop(other);
    const shown = await studio.waitForText('intermediate_size', OPEN);
    expect(shown).toContain('260,032');
  });

  it('lists the lines it cannot use and keeps the others', async () => {
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
    const shown = await studio.waitForText('2 rows can’t be used and are left out', OPEN);
    expect(shown).toMatch(/Line 2\b/i);
    expect(shown).toMatch(/Line 4\b/i);
    await studio.waitForText('About 3 steps over 3 rows.', OPEN);
    await studio.screenshot('bad-lines');
  });

  it('refuses data in which nothing is trained', async () => {
    const data = join(folder, 'masked.jsonl');
    await writeFile(data, '{"input_ids":[1,5,6],"labels":[-100,-100,-100]}\n');
    await drop(data);
    await studio.waitForText(/masked\.jsonl.*(trained|masked)/i, OPEN);
  });

  it('refuses an adapter of another model, and keeps the page usable', async () => {
    await drop(sharedPath('golden/tiny-qwen2-lora/final_adapter'));
    await studio.waitForText(/adapter’s own base model/, OPEN);
    await studio.screenshot('bad-adapter');
    await drop(sharedPath('golden/stories260k-lora/final_adapter'));
    await studio.waitForText('rank 8, on 35 modules', OPEN);
  });

  it('refuses a tokenizer that does not fit the model', async () => {
    const misfit = join(folder, 'misfit');
    await mkdir(misfit);
    await cp(stories, misfit, { recursive: true });
    const tokenizer = JSON.parse(await readFile(join(stories, 'tokenizer.json'), 'utf8'));
    tokenizer.model.vocab['extra'] = 600;
    await writeFile(join(misfit, 'tokenizer.json'), JSON.stringify(tokenizer));
    await drop(misfit);
    // There is an adapter that was opened, not trained: nothing is lost, so nothing is asked.
    await studio.waitForText(/tokenizer.*512/i, OPEN);
  });
});

describe('a browser without WebGPU', () => {
  let studio: Studio;
  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'), { webgpu: false });
  });
  afterAll(async () => studio?.close());

  it('says so, tells the fix, and stays readable', async () => {
    await studio.open();
    const shown = await studio.waitForText(/no WebGPU|no graphics adapter/, OPEN);
    expect(shown).toContain('Check again');
    expect(shown).toContain('Needs WebGPU, see above.');
    await studio.screenshot('no-webgpu');
  });
});
