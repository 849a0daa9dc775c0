import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeSource } from '../src/base/storage/nodeFolder.ts';
import { ggufFolder } from '../src/content/formats/gguf/ggufFolder.ts';
import { openGguf } from '../src/content/formats/gguf/ggufFile.ts';
import { starter } from '../src/testing/fixtures.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN, train, unzip } from '../src/testing/browsers/job.ts';

const targets = [
  'transformers',
  'PEFT',
  'vLLM',
  'Hub',
  'llama.cpp',
  'Ollama',
  'LM Studio',
  'Web page',
] as const;
const adapterButton = 'Download adapter';
const mergedButton = 'Download merged model';
const ggufButton = 'Download GGUF';
const ollamaButton = 'Download for Ollama';
const chatButton = 'Download chat page';

describe('“Where will you use it?”', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-use-'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, starter);
    const data = join(folder, 'rows.jsonl');
    const messages = [
      { role: 'user', content: 'Who is Pip?' },
      { role: 'assistant', content: 'A pirate.' },
    ];
    await writeFile(data, JSON.stringify({ messages }));
    await dropData(studio, data);
    const recipe = join(folder, 'recipe.json');
    await writeFile(
      recipe,
      JSON.stringify({ rank: 32, lr: 1e-3, max_steps: 2, batch_size: 1, eval_fraction: 0 }),
    );
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await train(studio);
    await studio.waitForText('Trained 2 steps', OPEN);
    await studio.view('Export');
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const buttons = () =>
    studio.evaluate(
      () =>
        [...document.querySelectorAll('#export button')]
          .map(({ textContent }) => textContent)
          .filter((text) => text.startsWith('Download')),
      null,
    );
  const commands = () =>
    studio.evaluate(
      () => [...document.querySelectorAll('#export pre')].map(({ textContent }) => textContent),
      null,
    );
  const optionsOf = (name: string) =>
    studio.evaluate((label) => {
      const labels = [...document.querySelectorAll<HTMLLabelElement>('#export label')];
      const list = labels.find(({ textContent }) => textContent === label)!.control as HTMLSelectElement;
      return [...list.options].map((option) => option.label);
    }, name);
  // The radio itself is below its label.
  const answer = (name: string) =>
    studio.evaluate((wanted) => {
      const labels = [...document.querySelectorAll<HTMLElement>('#export label.radio')];
      labels.find((label) => label.querySelector('.radio__name')?.textContent === wanted)!.click();
    }, name);

  it('is open at first: all exports are there, and no command', async () => {
    await studio.waitForText('Where will you use it?');
    expect(await buttons()).toEqual([adapterButton, mergedButton, ggufButton]);
    expect(await commands()).toEqual([]);
    await studio.screenshot('use-none');
  });

  it('selects the files of each answer, and shows commands with their names, on one screen', async () => {
    for (const target of targets) {
      await answer(target);
      await expect.poll(async () => (await commands()).length, { timeout: OPEN }).toBeGreaterThan(0);
      const tall = await studio.evaluate(() => document.documentElement.scrollHeight, null);
      // A push asks for a repo and an access token.
      if (target !== 'Hub') expect(tall, target).toBeLessThanOrEqual(900);
      const wide = await studio.evaluate(() => document.documentElement.scrollWidth, null);
      expect(wide, target).toBe(1280);
      expect(await accessibilityProblems(studio), target).toEqual([]);
      await studio.screenshot(`use-${target}`);
    }
    await answer('PEFT');
    expect(await buttons()).toEqual([adapterButton]);
    expect((await commands()).join('\n')).toContain('PeftModel.from_pretrained(base, "./starter-adapter")');
    await answer('vLLM');
    expect(await buttons()).toEqual([adapterButton]);
    expect((await commands()).join('\n')).toContain(
      'vllm serve path/to/starter --enable-lora --max-lora-rank 32 --lora-modules starter-adapter=./starter-adapter',
    );
    await studio.select('Serve', 'Merged model');
    expect(await buttons()).toEqual([mergedButton]);
    expect((await commands()).join('\n')).toContain('vllm serve ./starter-merged');
    await answer('Ollama');
    expect(await buttons()).toEqual([ollamaButton]);
    expect(await commands()).toEqual([
      'ollama create starter-merged -f Modelfile\nollama run starter-merged',
    ]);
    await answer('Web page');
    expect(await buttons()).toEqual([chatButton]);
    expect(await commands()).toEqual(['python3 -m http.server 8000 --bind 127.0.0.1']);
    await answer('llama.cpp');
    expect(await buttons()).toEqual([ggufButton]);
    expect(await commands()).toEqual(['llama-server -m starter-merged.gguf']);
    // What does not fit the type is said before.
    const types = await optionsOf('Type');
    await studio.select(
      'Type',
      types.find((label) => label.startsWith('Q4_K_M'))!,
    );
    await studio.waitForText('28 tensors are stored in other types');
    await studio.screenshot('use-gguf-types');
    await studio.select('Content', 'Adapter only');
    expect(await commands()).toEqual(['llama-server -m base.gguf --lora starter-merged-lora.gguf']);
    await studio.select('Content', 'Complete model');
  });

  it('gives a GGUF file that opens again, zips for Ollama and of a chat page, and the adapter', async () => {
    await answer('LM Studio');
    const file = await studio.download(() => studio.click({ role: 'button', name: ggufButton }), OPEN);
    await studio.waitForText('Read back and verified');
    await studio.screenshot('use-gguf-proof');
    const model = await ggufFolder(await nodeSource(file));
    expect(model.gguf.architecture).toBe('qwen3');
    expect(model.gguf.types.map(({ type }) => type).sort()).toEqual(['F32', 'Q5_0', 'Q8_0']);
    await answer('Ollama');
    const zip = await studio.download(() => studio.click({ role: 'button', name: ollamaButton }), OPEN);
    const unpacked = await unzip(zip, folder);
    const modelfile = await readFile(join(unpacked, 'Modelfile'), 'utf8');
    expect(modelfile).toMatch(/^FROM .\/model.gguf\nTEMPLATE """/);
    expect(modelfile).toContain('PARAMETER stop "<|im_end|>"');
    const inside = await ggufFolder(await nodeSource(join(unpacked, 'model.gguf')));
    expect(inside.gguf.architecture).toBe('qwen3');
    await answer('Web page');
    const page = await studio.download(() => studio.click({ role: 'button', name: chatButton }), OPEN);
    const chat = await unzip(page, folder);
    expect((await readdir(chat)).sort()).toEqual([
      'LICENSES.txt',
      'README.md',
      'chat.css',
      'chat.js',
      'index.html',
      'model.gguf',
      'wllama.js',
      'wllama.wasm',
    ]);
    const { size } = await stat(join(chat, 'model.gguf'));
    const html = await readFile(join(chat, 'index.html'), 'utf8');
    expect(html).toContain(`"files":[{"name":"model.gguf","size":${size}}]`);
    const engine = fileURLToPath(import.meta.resolve('@wllama/wllama/esm/wasm/wllama.wasm'));
    expect((await readFile(engine)).equals(await readFile(join(chat, 'wllama.wasm')))).toBe(true);
    await answer('llama.cpp');
    await studio.select('Content', 'Adapter only');
    const lora = await studio.download(() => studio.click({ role: 'button', name: ggufButton }), OPEN);
    const adapter = await openGguf(await nodeSource(lora));
    expect(adapter.keys.get('adapter.type')).toBe('lora');
    expect(studio.problems).toEqual([]);
  });

  it('is answered in the README of the download, too', async () => {
    await answer('PEFT');
    const shown = await commands();
    const zip = await studio.download(() => studio.click({ role: 'button', name: adapterButton }), OPEN);
    const unpacked = await unzip(zip, folder);
    expect(unpacked.endsWith('starter-adapter')).toBe(true);
    const readme = await readFile(join(unpacked, 'README.md'), 'utf8');
    for (const command of shown) expect(readme).toContain(command);
    await answer('transformers');
    const forMerged = await commands();
    const merged = await studio.download(() => studio.click({ role: 'button', name: mergedButton }), OPEN);
    const model = await unzip(merged, folder);
    expect(model.endsWith('starter-merged')).toBe(true);
    const card = await readFile(join(model, 'README.md'), 'utf8');
    for (const command of forMerged) expect(card).toContain(command);
    expect(studio.problems).toEqual([]);
  });
});
