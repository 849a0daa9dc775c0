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
import { chromiumLaunchOptions } from '../../launch/chromiumOptions.ts';
import { createRandom } from '../../base/lib/random.ts';
import { WAIT } from '../../testing/browsers/studio.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { HubServer, type Fault, type SeenRequest } from '../../testing/hubServer.ts';
import type { HubReport, HubTask } from '../../testing/hubWorker.ts';

const scratch = scratchFolder();
const SIZE = 12_000_000;
const big = new Uint8Array(SIZE).map((_, at) => Math.imul(at + 1, 2654435761) >>> 24);
const files = { 'config.json': '{}', 'model.safetensors': big };
const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex');
const hashes = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sha256(content)]));
let hub: HubServer;
let pages: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  hub = await HubServer.start();
  const entry = fileURLToPath(new URL('../../testing/hubWorker.ts', import.meta.url));
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
  const context = await browser.newContext();
  context.setDefaultTimeout(WAIT);
  page = await context.newPage();
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
});
afterAll(async () => {
  await browser?.close();
  await new Promise((resolve) => pages.close(resolve));
  await hub.stop();
});

/** Runs a task in a worker of a tab. Rejects when the tab is gone. */
const download = (task: Partial<HubTask>, tab = page): Promise<HubReport> =>
  tab.evaluate(
    (message) =>
      new Promise<HubReport>((resolve, reject) => {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = ({ data }: MessageEvent<HubReport>) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(message);
      }),
    { endpoint: hub.endpoint, repo: 'a/b', token: null, cancelAt: null, lookOnly: false, ...task },
  );

/**
 * Cuts each request after so many bytes, but for one that begins where another began: of what had come Chromium may
 * drop all when a connection breaks, and a download that gets nowhere gives up.
 */
function cutting(after: (count: number) => number | null): (seen: SeenRequest) => Fault | undefined {
  const begun = new Set<number>();
  return ({ begin, count }) => {
    const bytes = after(count);
    if (bytes === null || begun.has(begin)) return undefined;
    begun.add(begin);
    return { kind: 'cut', after: bytes };
  };
}

describe('in Chromium, into OPFS', () => {
  it.each<[string, (seen: SeenRequest) => Fault | undefined]>([
    ['nothing', () => undefined],
    ['a cut at every 1 %', cutting(() => SIZE / 100)],
    ['cuts', cutting((count) => (count < 20 ? 200_000 : null))],
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
      seen.origin === 'files' && seen.path === 'model.safetensors'
        ? fault({ ...seen, count: seen.count - base })
        : undefined;
    const base = hub.seen.filter(({ origin }) => origin === 'files').length;
    const report = await download({ repo });
    expect(report).toMatchObject({ hashes });
    // A flipped bit is not told from the others until the whole is there.
    if (name !== 'a flipped bit') expect(report!.received / SIZE).toBeLessThan(1.01);
  });

  it.each<[string, Fault, string]>([
    ['a login page', { kind: 'html' }, 'hub.html_page'],
    ['a Git LFS pointer', { kind: 'pointer' }, 'hub.lfs_pointer'],
    ['other bytes, always', { kind: 'flip', at: 5_000_000 }, 'hub.checksum'],
  ])('%s in place of weights is told by name, and nothing is there', async (title, fault, code) => {
    const repo = `test/${title.replaceAll(/\W/g, '')}`;
    hub.models.set(repo, { files });
    hub.script = ({ path }) => (path.endsWith('model.safetensors') ? fault : undefined);
    expect(await download({ repo })).toMatchObject({ code });
    hub.script = () => undefined;
    expect(await download({ repo, lookOnly: true })).toMatchObject({ hashes: {} });
  });

  it('a model that changes meanwhile stays at its commit', async () => {
    const repo = 'test/moving';
    hub.models.set(repo, { files });
    const commit = hub.commit(repo);
    hub.script = ({ origin }) => {
      if (origin === 'files') hub.models.set(repo, { files: { 'config.json': '{"new": 1}' } });
      return undefined;
    };
    expect(await download({ repo })).toMatchObject({ hashes });
    expect(hub.commit(repo)).not.toBe(commit);
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

  it('a download whose tab is killed 25 times at any change of its files arrives right, and is never there half', async () => {
    hub.script = () => undefined;
    hub.models.set('test/whole', { files });
    const whole = await download({ repo: 'test/whole' });
    const { changes } = whole as Extract<HubReport, { changes: number }>;
    expect(changes).toBeGreaterThan(20);
    const random = createRandom(25);
    let [finished, received] = [0, 0];
    for (let kill = 0; kill < 25; kill++) {
      // Every fifth kill begins another download, so that kills meet beginnings too.
      const repo = `test/killed${Math.floor(kill / 5)}`;
      hub.models.set(repo, { files });
      const tab = await page.context().newPage();
      await tab.goto(page.url());
      const ended = await download({ repo, dieAt: 1 + random.below(Math.ceil(0.3 * changes)) }, tab);
      received += ended.received;
      if (ended.kind !== 'dying') finished += 1;
      // The renderer dies as it stands; a page that is closed at least tells its workers.
      if (kill % 2 === 0) await tab.goto('chrome://crash').catch(() => undefined);
      await tab.close();
      const there = await download({ repo, lookOnly: true });
      expect([{}, hashes]).toContainEqual('hashes' in there && there.hashes);
      if (kill % 5 < 4) continue;
      const last = await download({ repo });
      expect(last).toMatchObject({ hashes });
      received += last.received;
    }
    expect(finished).toBeLessThan(13);
    // What was on its way at a kill comes again: some of each connection, whatever the file's size.
    expect((received - 5 * SIZE) / 25).toBeLessThan(1_000_000);
  });

  it('the token goes to the Hub and not where the browser is redirected to', async () => {
    const repo = 'test/gated';
    hub.models.set(repo, { files, gated: true });
    hub.script = () => undefined;
    expect(await download({ repo })).toMatchObject({ code: 'hub.gated' });
    hub.seen.length = 0;
    expect(await download({ repo, token: hub.token })).toMatchObject({ hashes });
    const [atHub, elsewhere] = ['hub', 'files'].map((place) =>
      hub.seen.filter((seen) => seen.origin === place),
    );
    expect(elsewhere!.length).toBeGreaterThan(0);
    expect(atHub!.every(({ headers }) => headers.authorization === `Bearer ${hub.token}`)).toBe(true);
    expect(JSON.stringify(elsewhere)).not.toContain(hub.token);
  });
});
