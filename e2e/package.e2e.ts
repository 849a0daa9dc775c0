import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumLaunchOptions } from '../src/launch/chromiumOptions.ts';
import { root } from '../src/testing/browsers/builtStudio.ts';
import { WAIT } from '../src/testing/browsers/studio.ts';
import { readJsonLines, scratchFolder } from '../src/testing/cli.ts';
import { robotStories } from '../src/testing/fixtures.ts';
import { serveFolder } from '../src/testing/serveFolder.ts';

const documentation = readFileSync(join(root, 'docs', 'api.md'), 'utf8');

/** A block of code of docs/api.md: the first of its language, or a later one. */
function example(language: 'html' | 'js', index = 0): string {
  return [...documentation.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))][index]![1]!;
}

/** A folder that depends on the packed package, and on nothing else. */
const project = scratchFolder();
const inProject = (...path: string[]) => join(project, ...path);
const starter = inProject('node_modules', 'graft', 'public', 'starter');

/** Runs a program in the project; npm is a script there, which on Windows needs a shell. */
async function run(program: string, args: readonly string[], cwd = project): Promise<string> {
  const options = { cwd, shell: process.platform === 'win32', maxBuffer: 1 << 26, env: npmEnvironment };
  return (await promisify(execFile)(program, [...args], options)).stdout;
}

/** Without what npm told the tests' own process: it would pass for settings of the project. */
const npmEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !name.startsWith('npm_') && !/^(?:NODE_ENV|VITEST)/.test(name),
  ),
);

/** The losses of lines such as “step 2: loss 1.5”. */
function lossesIn(text: string): number[] {
  return [...text.matchAll(/^step \d+: loss (.+)$/gm)].map(([, loss]) => Number(loss));
}

function expectFalling(losses: readonly number[]): void {
  expect(losses).toHaveLength(3);
  expect(losses.every((loss) => Number.isFinite(loss) && loss > 0)).toBe(true);
  expect(losses[2]).toBeLessThan(losses[0]!);
}

beforeAll(async () => {
  const packed = await run('npm', ['pack', '--json', '--pack-destination', project], root);
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as [{ filename: string }];
  writeFileSync(inProject('package.json'), '{ "private": true, "type": "module" }');
  await run('npm', ['install', `./${filename}`, '--prefer-offline', '--no-audit', '--no-fund']);
  const rows = readFileSync(robotStories, 'utf8').split('\n').slice(0, 16);
  writeFileSync(inProject('rows.jsonl'), `${rows.join('\n')}\n`);
});

describe('the packed package, installed', () => {
  it('has what users need and no source', () => {
    expect(readdirSync(inProject('node_modules', 'graft')).sort()).toEqual([
      'LICENSE',
      'README.md',
      'dist-package',
      'package.json',
      'public',
    ]);
    expect(existsSync(join(starter, 'model.safetensors'))).toBe(true);
    const licenses = inProject('node_modules', 'graft', 'dist-package', 'THIRD_PARTY_LICENSES.txt');
    expect(readFileSync(licenses, 'utf8')).toMatch(/^hyparquet \d.* \(MIT\)$/m);
    expect(existsSync(inProject('node_modules', 'react'))).toBe(false);
  });

  it('has examples of at most 30 lines', () => {
    for (const language of ['html', 'js'] as const)
      expect(example(language).trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  });

  it('trains in Node as docs/api.md says', async () => {
    writeFileSync(inProject('train.js'), example('js'));
    const printed = await run(process.execPath, ['train.js']);
    expectFalling(lossesIn(printed));
    expect(printed).toMatch(/^whole: loss \d/m);
    expect(readdirSync(inProject('adapter'))).toEqual(
      expect.arrayContaining([
        'README.md',
        'adapter_config.json',
        'adapter_model.safetensors',
        'recipe.json',
      ]),
    );
    expect(readJsonLines<object>(inProject('adapter', 'metrics.jsonl'))).toHaveLength(3);
    expect(statSync(inProject('merged', 'model.safetensors')).size).toBe(
      statSync(join(starter, 'model.safetensors')).size,
    );
  });

  it('pauses and resumes as docs/api.md says', async () => {
    writeFileSync(inProject('resume.js'), example('js', 1));
    const printed = await run(process.execPath, ['resume.js']);
    expectFalling(lossesIn(printed));
    expect(printed).toMatch(/^stored as [^]*^paused\n[^]*^step 3: [^]*^whole\n$/m);
  });

  it('sweeps as docs/api.md says', async () => {
    writeFileSync(inProject('sweep.js'), example('js', 2));
    const printed = await run(process.execPath, ['sweep.js']);
    expect(printed).toMatch(/^lr 1e-3, rows 2 stopped$/m);
    expect(printed).toMatch(/^lr 5e-3, rows 4 \d\.\d+$/m);
  });

  it('evaluates as docs/api.md says', async () => {
    writeFileSync(inProject('evaluate.js'), example('js', 3));
    const printed = await run(process.execPath, ['evaluate.js']);
    expect(printed).toMatch(/difference: -?[\d.e-]+,[^]*low: [^]*high: /);
    expect(printed).toMatch(/^line,prompt,expected,differs,answer \(base\),loss \(base\)/m);
  });

  it('trains by npx graft', async () => {
    writeFileSync(inProject('recipe.json'), JSON.stringify({ max_steps: 3, lr: 5e-3, max_length: 256 }));
    const files = ['--data', 'rows.jsonl', '--recipe', 'recipe.json', '--out', 'by-npx'];
    await run('npx', ['--no-install', 'graft', 'train', '--model', starter, ...files]);
    expectFalling(
      readJsonLines<{ loss: number }>(inProject('by-npx', 'metrics.jsonl')).map(({ loss }) => loss),
    );
    expect(existsSync(inProject('by-npx', 'adapter_model.safetensors'))).toBe(true);
  });

  it('has types for both', async () => {
    writeFileSync(inProject('node.ts'), example('js'));
    writeFileSync(
      inProject('page.ts'),
      `import { openSession, GraftError, type TrainEvent } from 'graft';
       const session = openSession();
       export const hear = (event: TrainEvent): number => (event.kind === 'step' ? event.loss : 0);
       export const codeOf = (error: unknown): string => (error instanceof GraftError ? error.code : '');
       // @ts-expect-error a recipe has no such field
       export const job = session.train({ recipe: { rnk: 8 }, dataFile: '' }, null);`,
    );
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const types = ['--typeRoots', join(root, 'node_modules', '@types')];
    const how = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', ...types];
    const check = (file: string, ...packages: string[]) =>
      run(process.execPath, [compiler, file, '--ignoreConfig', ...how, ...packages]).catch(
        (error: { stdout: string }) => error.stdout,
      );
    expect(await check('node.ts', '--types', 'node')).toBe('');
    expect(await check('page.ts')).toBe('');
  });
});

describe('a page that imports it', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serveFolder>>;

  beforeAll(async () => {
    writeFileSync(inProject('index.html'), example('html'));
    server = await serveFolder(project);
    browser = await chromium.launch(chromiumLaunchOptions());
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  it('trains as docs/api.md says, from a static server', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(`${server.url}index.html`);
    const link = page.getByRole('link', { name: 'Download' });
    await Promise.race([link.waitFor(), page.waitForEvent('pageerror')]);
    expect(problems).toEqual([]);
    const log = await page.locator('#log').innerText();
    expectFalling(lossesIn(log));
    expect(log).toMatch(/^whole: loss \d/m);
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    await download.saveAs(inProject('adapter.zip'));
    const zip = readFileSync(inProject('adapter.zip'), 'latin1');
    for (const file of ['adapter_config.json', 'adapter_model.safetensors', 'recipe.json'])
      expect(zip).toContain(`adapter/${file}`);
  });
});
