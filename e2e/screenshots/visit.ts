import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Language } from '../../src/studio/store/state/prefs.ts';
import type { Camera } from './camera.ts';
import type { Visitor } from './visitor.ts';

/** A run with a curve, an evaluation and a plan that is quick even without a GPU. */
const recipe = {
  rank: 8,
  alpha: 16,
  lr: 5e-3,
  max_steps: 24,
  batch_size: 2,
  max_length: 128,
  eval_fraction: 0.05,
  eval_steps: 4,
};

const prompts: Record<Language, string> = {
  en: 'Tell a story about Zip and a red ball.',
  zh: '讲一个关于 Zip 和红色皮球的故事。',
};

/** Better and worse answers: preference data. */
const pairs = ['ball', 'cat', 'boat'].map((thing) => ({
  prompt: `Tell a story about a ${thing}.`,
  chosen: `Zip found a ${thing}.`,
  rejected: 'No, I will not.',
}));

const badRows = [
  '{"prompt": "What is a graft?", "completion": "A shoot joined to another plant."}',
  '{"prompt": "What is a scion?", "completion": 7}',
  '{"prompt": "Cut off here, "completion": ',
  '[1, 2, 3]',
  '{"prompt": "No answer", "completion": ""}',
  '{"prompt": "What is a rootstock?", "completion": "The plant that takes the graft."}',
];

/**
 * The whole job as a user does it, with screenshots at each step.
 * @param scratch a folder for small files
 */
export async function visit(
  visitor: Visitor,
  camera: Camera,
  files: { model: string; data: string; scratch: string },
  language: Language,
): Promise<void> {
  const { page } = visitor;
  await visitor.see('device.ready');
  await camera.take('open');

  await visitor.view('model');
  await camera.take('model-empty');
  await visitor.fill('hub.find', 'qwen');
  await visitor.press('hub.findButton', '#model');
  await page.locator('#model [role="alert"]').waitFor();
  await camera.take('no-network');

  await visitor.drop('model', [files.model]);
  await visitor.see('model.vocabulary');
  await camera.take('model');

  await visitor.view('data');
  const bad = join(files.scratch, 'bad-rows.jsonl');
  await writeFile(bad, `${badRows.join('\n')}\n`);
  await visitor.drop('data', [bad]);
  await page.locator('#data .problems').waitFor();
  await visitor.see('data.histogram');
  await camera.take('data-with-problems');

  await page.locator('#data input[type="file"]').first().setInputFiles(files.data);
  await page.locator('#data .problems').waitFor({ state: 'detached' });
  await visitor.see('data.histogram');
  await camera.take('data');

  await visitor.view('recipe');
  const path = join(files.scratch, 'recipe.json');
  await writeFile(path, JSON.stringify(recipe));
  await camera.take('recipe');
  await visitor.giveRecipe(path);
  await visitor.unfold('settings.title');
  await visitor.unfold('memory.table');
  await camera.take('recipe-in-full');

  await visitor.view('train');
  await camera.take('train-empty');
  await visitor.press('train.start', '#train');
  // The tab's title shows the progress; after some steps there is a curve.
  await page.waitForFunction(() => Number.parseInt(document.title) >= 30, null, { timeout: 600_000 });
  await camera.take('training');
  await page.locator('#train .notice--good, #train .outcome').first().waitFor({ timeout: 900_000 });
  await visitor.unfold('train.table');
  await visitor.unfold('profile.title');
  await visitor.unfold('runs.title');
  await camera.take('trained');
  await visitor.fold('train.table');
  await visitor.fold('profile.title');
  await visitor.pressAt('#train .run__actions > button:last-child');
  await page.locator('.run__details').waitFor();
  await camera.take('run-details', '.run-folds');
  await visitor.fold('runs.title');
  await visitor.unfold('sweep.title');
  await visitor.press('sweep.add', '#train');
  await camera.take('sweep', '.run-folds');
  await visitor.fold('sweep.title');

  await visitor.view('chat');
  await visitor.fill('try.prompt', prompts[language]);
  await visitor.fill('try.maxNewTokens', '40');
  await visitor.press('try.send', '#chat');
  const facts = page
    .locator('.answer[data-side="right"][aria-busy="false"] .answer__facts')
    .filter({ hasText: /\d/ });
  await facts.waitFor({ timeout: 300_000 });
  await camera.take('compared');
  await visitor.tab('chat.tab.batch');
  await camera.take('batch');
  await visitor.tab('chat.tab.evaluate');
  await camera.take('evaluate-empty');
  await visitor.pressAt('#chat .batch__controls .button--primary');
  await page.locator('#chat table').first().waitFor({ timeout: 600_000 });
  await camera.take('evaluated');

  await visitor.view('export');
  await visitor.press('export.downloadMerged', '#export');
  await visitor.see('proof.passed');
  await camera.take('exported');
  for (const use of ['transformers', 'ollama', 'hub'] as const) {
    await visitor.choose(`use.${use}`);
    await camera.take(`export-${use}`);
  }
  await visitor.view('home');
  await camera.take('home');

  await visitor.view('data');
  const preferences = join(files.scratch, 'preferences.jsonl');
  await writeFile(preferences, pairs.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await visitor.drop('data', [preferences]);
  await visitor.see('data.trainPairs');
  await camera.take('data-pairs');
  await visitor.press('data.trainPairs', '#data');
  await visitor.see('data.answer.better');
  await camera.take('data-preferences');
  await visitor.view('recipe');
  await camera.take('recipe-preferences');
  await writeFile(path, JSON.stringify({ ...recipe, objective: 'grpo' }));
  await visitor.giveRecipe(path);
  await camera.take('recipe-grpo');

  await visitor.press('benchmark.open');
  await visitor.see('benchmark.lead', { adapter: '{' });
  await camera.take('benchmark', '[role="dialog"]');
  await page.keyboard.press('Escape');
}
