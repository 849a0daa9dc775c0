import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { accessibilityProblems } from './harness/accessibility.ts';
import { browsers } from './harness/browsers.ts';
import { dropModel, OPEN } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';

const languageOf = (studio: Studio) =>
  studio.evaluate(() => [document.documentElement.lang, document.title], null);

describe.each(browsers)('languages in %s', (_, openStudio) => {
  let studio: Studio;

  beforeAll(async () => {
    studio = await openStudio(inject('studioUrl'));
  });
  afterAll(() => studio?.close());

  it('change at once, with what is open, and are kept', async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, sharedPath('models/stories260k'));
    expect(await languageOf(studio)).toEqual(['en', 'Graft – fine-tune a language model in this tab']);

    await studio.click({ role: 'radio', name: '中文' });
    const shown = await studio.waitForText('找到分词器，但没有对话模板');
    expect(await languageOf(studio)).toEqual(['zh-CN', 'Graft – 在浏览器标签页里微调语言模型']);
    expect(shown).toContain('260,032');
    expect(shown).toContain('学习率');
    expect(shown).not.toMatch(/Learning rate|Recipe|Choose|Vocabulary/);
    expect(await accessibilityProblems(studio)).toEqual([]);

    await studio.open();
    await studio.waitForText('WebGPU 可用', OPEN);
    expect(await languageOf(studio)).toEqual(['zh-CN', 'Graft – 在浏览器标签页里微调语言模型']);

    await studio.click({ role: 'radio', name: 'English' });
    await studio.waitForText('Fine-tune a language model in this tab.');
    expect(studio.problems).toEqual([]);
  });
});
