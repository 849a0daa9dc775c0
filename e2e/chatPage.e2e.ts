import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chromiumLaunchOptions } from '../src/launch/chromiumOptions.ts';
import { WAIT } from '../src/testing/browsers/studio.ts';
import { runCli, scratchFolder } from '../src/testing/cli.ts';
import { starter } from '../src/testing/fixtures.ts';
import { serveFolder } from '../src/testing/serveFolder.ts';

const scratch = scratchFolder();
const folder = join(scratch, 'page');
const question = 'Where does Pip live?';
let server: Awaited<ReturnType<typeof serveFolder>>;
let browser: Browser;
let page: Page;
const refused: string[] = [];
const problems: string[] = [];

beforeAll(async () => {
  server = await serveFolder(folder);
  browser = await chromium.launch(chromiumLaunchOptions({ webgpu: false }));
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

it('is a folder of small files, none of a model over the limit', async () => {
  const args = ['--model', starter, '--format', 'chat', '--name', 'Pip </script>', '--out', folder];
  const made = await runCli(['export', ...args, '--max-shard-size', '500KB']);
  expect(made.stderr).toContain('python3 -m http.server');
  expect(made.status).toBe(0);
  const names = readdirSync(folder);
  const parts = names.filter((name) => name.endsWith('.gguf')).sort();
  expect(parts).toEqual([1, 2, 3].map((part) => `model-0000${part}-of-00003.gguf`));
  for (const part of parts) expect(statSync(join(folder, part)).size, part).toBeLessThanOrEqual(500_000);
  expect(readFileSync(join(folder, 'LICENSES.txt'), 'utf8')).toMatch(/wllama[^]*MIT[^]*The ggml authors/);
  const again = await runCli(['export', ...args]);
  expect(again.stderr).toContain('not empty');
});

it('answers as Graft does, with nothing from elsewhere', async () => {
  const { url: own } = server;
  page = await browser.newPage({ locale: 'zh-CN', colorScheme: 'dark' });
  page.setDefaultTimeout(WAIT);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.route('**/*', (route) => {
    const url = route.request().url();
    if (url.startsWith(own) || url.startsWith('blob:') || url.startsWith('data:')) return route.continue();
    refused.push(url);
    return route.abort();
  });
  await page.goto(own);
  await page.getByText('已就绪').waitFor();
  expect(await page.getByRole('heading').textContent()).toBe('Pip </script>');
  await page.getByRole('textbox', { name: '消息' }).fill(question);
  await page.getByRole('button', { name: '发送' }).click();
  await page.getByText(/\d 词元\/秒/).waitFor();
  const greedy = ['--max-new-tokens', '60', '--temperature', '0'];
  const graft = await runCli(['generate', '--model', starter, '--prompt', question, ...greedy]);
  expect(await page.locator('#turns .assistant span').textContent()).toBe(graft.stdout.trim());
  expect(refused).toEqual([]);
  expect(problems).toEqual([]);
});
