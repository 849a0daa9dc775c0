import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumLaunchOptions } from '../../e2e/harness/chromiumOptions.ts';
import { scratchFolder } from '../testing/cli.ts';
import { HubServer, type Fault, type SeenRequest } from '../testing/hubServer.ts';
import type { HubReport, HubTask } from '../testing/hubWorker.ts';

const scratch = scratchFolder();
const SIZE = 6_000_000;
const big = new Uint8Array(SIZE).map((_, at) => Math.imul(at + 1, 2654435761) >>> 24);
const files = { 'config.json': '{}', 'model.safetensors': big };
const hashes = Object.fromEntries(
  Object.entries(files).map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]),
);
let hub: HubServer;
let pages: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  hub = await HubServer.start();
  const entry = fileURLToPath(new URL('../testing/hubWorker.ts', import.meta.url));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: scratch,
      emptyOutDir: false,
      lib: { entry, formats: ['es'], fileName: () => 'worker.js' },
    },
  });
  pages = createServer((request, response) => {
    const isWorker = request.url === '/worker.js';
    response.setHeader('Content-Type', isWorker ? 'text/javascript' : 'text/html');
    // The page's own rule for scripts: compiling WebAssembly needs a word of its own.
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *",
    );
    response.end(isWorker ? readFileSync(join(scratch, 'worker.js')) : '<!doctype html><title>hub</title>');
  });
  await once(pages.listen(0, '127.0.0.1'), 'listening');
  browser = await chromium.launch(chromiumLaunchOptions());
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await new Promise((resolve) => pages.close(resolve));
  await hub.stop();
});

/** With `killAfter` the worker is ended after so many milliseconds, and there is no report. */
const download = (task: Partial<HubTask>, killAfter = Infinity): Promise<HubReport | null> =>
  page.evaluate(
    ({ message, kill }) =>
      new Promise<HubReport | null>((resolve, reject) => {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = ({ data }: MessageEvent<HubReport>) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(message);
        if (kill === null) return;
        setTimeout(() => {
          worker.terminate();
          resolve(null);
        }, kill);
      }),
    {
      message: { endpoint: hub.endpoint, repo: 'a/b', token: null, cancelAt: null, ...task },
      kill: killAfter === Infinity ? null : killAfter,
    },
  );

describe('in Chromium, into OPFS', { timeout: 120_000 }, () => {
  it.each<[string, (seen: SeenRequest) => Fault | undefined]>([
    ['nothing', () => undefined],
    ['cuts', ({ count }) => (count < 20 ? { kind: 'cut', after: 200_000 } : undefined)],
    [
      '503 and 429',
      ({ count }) => (count < 3 ? { kind: 'status', status: count === 1 ? 429 : 503 } : undefined),
    ],
    ['the whole file for a range', () => ({ kind: 'whole' })],
    [
      'a wrong range and an expired address',
      ({ count }) =>
        count === 0
          ? { kind: 'wrongRange', shift: 1 }
          : count === 2
            ? { kind: 'status', status: 403 }
            : undefined,
    ],
    ['a flipped bit', ({ count }) => (count < 4 ? { kind: 'flip', at: 100_000 } : undefined)],
  ])('a model arrives right through %s', async (name, fault) => {
    const repo = `test/${name.replaceAll(/\W/g, '')}`;
    hub.models.set(repo, { files });
    hub.script = (seen) =>
      seen.place === 'files' && seen.path === 'model.safetensors'
        ? fault({ ...seen, count: seen.count - base })
        : undefined;
    const base = hub.seen.filter(({ place }) => place === 'files').length;
    expect(await download({ repo })).toMatchObject({ hashes });
  });

  it('a download that is cancelled goes on where it was', async () => {
    const repo = 'test/cancelled';
    hub.models.set(repo, { files });
    hub.script = () => undefined;
    const first = await download({ repo, cancelAt: 0.6 });
    expect(first).toMatchObject({ error: 'cancelled' });
    const second = await download({ repo });
    expect(second).toMatchObject({ hashes });
    expect(second!.received).toBeLessThan(0.45 * SIZE);
  });

  it('a download whose worker is killed again and again arrives right', async () => {
    const repo = 'test/killed';
    hub.models.set(repo, { files });
    hub.script = ({ place }) => (place === 'files' ? { kind: 'cut', after: 300_000 } : undefined);
    let ended = 0;
    for (let after = 60; after < 900; after += 120) {
      const report = await download({ repo }, after);
      if (report === null) continue;
      ended += 1;
      expect(report).toMatchObject({ hashes });
    }
    expect(ended).toBeLessThan(6);
    expect(await download({ repo })).toMatchObject({ hashes });
  });

  it('the token goes to the Hub and not where the browser is redirected to', async () => {
    const repo = 'test/gated';
    hub.models.set(repo, { files, gated: true });
    hub.script = () => undefined;
    expect(await download({ repo })).toMatchObject({ code: 'hub.gated' });
    hub.seen.length = 0;
    expect(await download({ repo, token: hub.token })).toMatchObject({ hashes });
    const [atHub, elsewhere] = ['hub', 'files'].map((place) =>
      hub.seen.filter((seen) => seen.place === place),
    );
    expect(elsewhere!.length).toBeGreaterThan(0);
    expect(atHub!.every(({ headers }) => headers.authorization === `Bearer ${hub.token}`)).toBe(true);
    expect(JSON.stringify(elsewhere)).not.toContain(hub.token);
  });
});
