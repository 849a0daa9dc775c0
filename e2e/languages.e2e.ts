import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { browsers } from '../src/testing/browsers/browsers.ts';
import { dropModel, OPEN } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

const languageOf = (studio: Studio) =>
  studio.evaluate(() => [document.documentElement.lang, document.title], null);

describe.each(browsers)('languages in %s', (_, openStudio) => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-languages-'));
    studio = await openStudio(inject('studioUrl'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('change at once, including open content, and are remembered', async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, writeTinyStories(folder));
    expect(await languageOf(studio)).toEqual(['en', 'Model · Graft']);

    await studio.click({ role: 'radio', name: '中文' });
    const shown = await studio.waitForText('找到分词器，但没有对话模板');
    expect(await languageOf(studio)).toEqual(['zh-CN', '模型 · Graft']);
    expect(shown).toContain('260,032');
    expect(shown).toContain('学习率');
    expect(shown).not.toMatch(/Learning rate|Recipe|Choose|Vocabulary/);
    expect(await accessibilityProblems(studio)).toEqual([]);

    await studio.open();
    await studio.waitForText('WebGPU 可用', OPEN);
    expect(await languageOf(studio)).toEqual(['zh-CN', 'Graft – 在浏览器里微调语言模型']);

    await studio.click({ role: 'radio', name: 'English' });
    await studio.waitForText('Fine-tune a language model in your browser');
    expect(studio.problems).toEqual([]);
  });
});
