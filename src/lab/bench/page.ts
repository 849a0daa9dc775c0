import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { preview } from 'vite';
import { openChromium, type ChromiumStudio } from '../../testing/browsers/chromium.ts';
import type { Studio } from '../../testing/browsers/studio.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { table } from '../../testing/markdownTable.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Limits of the page: bytes of compressed scripts, and milliseconds. */
const LIMITS = { pageBytes: 400_000, engineBytes: 350_000, interactiveMs: 2000, taskMs: 100 };
/** Timeout for any step in ms; software adapters are slow. */
const PATIENCE = 600_000;

/**
 * The size of the built page, the time until it is interactive, and the longest tasks of its main thread while it
 * trains. `--steps=200` trains longer and prints milliseconds.
 */
export async function pageBench(options: Readonly<Record<string, string>>): Promise<string> {
  const steps = Number(options.steps ?? 60);
  const folder = await mkdtemp(join(tmpdir(), 'graft-page-'));
  const dist = join(folder, 'dist');
  await promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--outDir', dist, '--emptyOutDir'],
    { cwd: root, env: { ...process.env, NODE_ENV: 'production' } },
  );
  const server = await preview({
    root,
    build: { outDir: dist },
    preview: { host: '127.0.0.1', port: 4500 },
    logLevel: 'warn',
  });
  const studio = await openChromium(server.resolvedUrls!.local[0]!);
  try {
    const first = await interactiveMs(studio);
    await studio.waitForText('This page also works offline', PATIENCE);
    const again = await interactiveMs(studio);
    const tasks = await trainingTasks(studio, folder, steps);
    const longest = Math.max(0, ...tasks.map(({ processor }) => processor));
    console.log(
      `first visit ${first.toFixed(0)} ms, next ${again.toFixed(0)} ms; longest tasks of ${tasks.length}:`,
    );
    for (const { clock, processor } of tasks.toSorted((x, y) => y.processor - x.processor).slice(0, 8))
      console.log(`  ${processor.toFixed(0)} ms of the processor, ${clock.toFixed(0)} by the clock`);
    const share = (value: number, most: number) => `${Math.round((100 * value) / most)}%`;
    const [page, engine] = await weights(dist);
    const rows = [
      ['scripts before the engine starts, compressed', '400 KB', share(page, LIMITS.pageBytes)],
      ['script of the engine, compressed', '350 KB', share(engine, LIMITS.engineBytes)],
      ['until the page can be used, first visit', '2 s', share(first, LIMITS.interactiveMs)],
      ['until the page can be used, later visits', '2 s', share(again, LIMITS.interactiveMs)],
      [`longest task of the page’s thread, ${steps} steps`, '100 ms', share(longest, LIMITS.taskMs)],
    ];
    return [
      '## The page',
      '',
      'The built page in Chromium: its size, how soon its first buttons are there, and the longest task of its thread',
      'from the click on Train to the end, by processor time (a model of 260 thousand parameters, the engine on SwiftShader beside it,',
      'which leaves the thread little of two cores). Shares of the limits.',
      '',
      table(['', 'limit', 'share'], rows),
    ].join('\n');
  } finally {
    await studio.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Compressed bytes of the page's scripts, and of the engine's. */
async function weights(dist: string): Promise<[page: number, engine: number]> {
  const compressed = async (file: string) => gzipSync(await readFile(join(dist, file)), { level: 9 }).length;
  const named = [
    ...(await readFile(join(dist, 'index.html'), 'utf8')).matchAll(/"\.\/(assets\/[^"]+\.js)"/g),
  ];
  const sizes = await Promise.all(named.map(([, file = '']) => compressed(file)));
  const engine = (await readdir(join(dist, 'assets'))).find((file) => /^engine\.worker-.*\.js$/.test(file));
  return [sizes.reduce((sum, size) => sum + size, 0), await compressed(`assets/${engine}`)];
}

/** Milliseconds from the navigation until the first step's buttons exist and the main thread responds. */
async function interactiveMs(studio: Studio): Promise<number> {
  await studio.open();
  return studio.evaluate(async () => {
    while (!document.querySelector('.drop[data-drop="model"] .button'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
    return performance.now();
  }, null);
}

/** Trains in the page, and records the tasks of its main thread. */
async function trainingTasks(studio: ChromiumStudio, folder: string, steps: number) {
  const recipe = join(folder, 'recipe.json');
  await writeFile(
    recipe,
    JSON.stringify({ rank: 4, alpha: 8, max_steps: steps, batch_size: 1, max_length: 64 }),
  );
  await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
  await studio.dropFiles('.drop[data-drop="model"]', [writeTinyStories(folder)]);
  await studio.waitForText('Vocabulary', PATIENCE);
  await studio.dropFiles('.drop[data-drop="data"]', [robotStories]);
  await studio.waitForText('What the model sees', PATIENCE);
  return studio.tasksDuring(async () => {
    await studio.click({ role: 'button', name: 'Train' });
    await studio.waitForText(`Trained ${steps} steps`, PATIENCE);
  });
}
