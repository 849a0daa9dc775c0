import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { languages, type Language } from '../../src/studio/store/state/prefs.ts';
import { languageTags, showLanguage } from '../../src/studio/ui/text/current.ts';
import { chromiumLaunchOptions } from '../../src/launch/chromiumOptions.ts';
import { root, serveBuiltStudio } from '../../src/testing/browsers/builtStudio.ts';
import { Camera } from './camera.ts';
import { visit } from './visit.ts';
import { Visitor } from './visitor.ts';

const usage = `Pictures of every step of the studio: both themes, desktop, wide, at 200% and phone, in each language.

npm run screenshots -- [folder] [--language en|zh] [--model folder] [--data file]

folder      where they go (screenshots)
--language  only this one
--model     a model folder to do the job with (the starter model)
--data      data to train on (the sample)

Ends with status 1 where axe finds a violation or something is wider than the window.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    language: { type: 'string' },
    model: { type: 'string' },
    data: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  const output = resolve(positionals[0] ?? 'screenshots');
  const model = resolve(values.model ?? join(root, 'public', 'starter'));
  const data = resolve(values.data ?? join(root, 'public', 'samples', 'robot-stories.jsonl'));
  for (const path of [join(model, 'config.json'), data]) {
    if (!existsSync(path)) throw new Error(`there is no ${path}\n\n${usage}`);
  }
  const wanted = languages.filter((name) => name === (values.language ?? name));
  if (wanted.length === 0) throw new Error(usage);

  const scratch = await mkdtemp(join(tmpdir(), 'graft-screenshots-'));
  const faults: string[] = [];
  try {
    const { url, close } = await serveBuiltStudio();
    for (const language of wanted) {
      faults.push(...(await picture(language, url, output, { model, data, scratch })));
    }
    await close();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

/** Makes the whole visit in a language; returns the problems found. */
async function picture(
  language: Language,
  url: string,
  output: string,
  files: { model: string; data: string; scratch: string },
): Promise<string[]> {
  const start = Date.now();
  await showLanguage(language);
  const browser = await chromium.launch(chromiumLaunchOptions());
  const faults: string[] = [];
  try {
    // A browser with that language, so that the page selects it.
    const page = await browser.newPage({ locale: languageTags[language], reducedMotion: 'reduce' });
    page.on('pageerror', (error) => faults.push(`${language}: ${error.message}`));
    const camera = new Camera(page, output, language);
    await page.goto(url);
    await visit(new Visitor(page), camera, files, language).catch(async (error: unknown) => {
      await camera.take('where-it-failed');
      throw error;
    });
    faults.push(...camera.faults);
    console.log(`${language}: ${camera.pictures} pictures in ${Math.round((Date.now() - start) / 1000)} s`);
  } finally {
    await browser.close();
  }
  const without = await chromium.launch(chromiumLaunchOptions({ webgpu: false }));
  try {
    const page = await without.newPage({ locale: languageTags[language], reducedMotion: 'reduce' });
    const camera = new Camera(page, join(output, 'without-webgpu'), language);
    await page.goto(url);
    await new Visitor(page).see('device.retry');
    await camera.take('open');
    faults.push(...camera.faults);
  } finally {
    await without.close();
  }
  return faults;
}
