import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright';
import puppeteer from 'puppeteer-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headersFor, pagePolicy } from '../../../base/lib/securityHeaders.ts';
import type { FunctionInput } from '../../../content/rewards/functions.ts';
import { chromiumLaunchOptions } from '../../../launch/chromiumOptions.ts';
import { firefoxLaunchOptions } from '../../../launch/firefoxOptions.ts';
import { WAIT } from '../../../testing/browsers/studio.ts';
import { scratchFolder } from '../../../testing/cli.ts';
import type { ScoredInPage } from '../../../testing/rewardPage.ts';
import { FRAME_SCRIPT_HASH, frameScript } from './frameDocument.ts';

const scratch = scratchFolder();
const seen: string[] = [];
let pages: Server;
let url = '';

beforeAll(async () => {
  const entry = fileURLToPath(new URL('../../../testing/rewardPage.ts', import.meta.url));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: scratch,
      emptyOutDir: false,
      lib: { entry, formats: ['es'], fileName: () => 'page.js' },
    },
  });
  const scripts = new Set(readdirSync(scratch).map((name) => `/${name}`));
  pages = createServer((request, response) => {
    const path = request.url!;
    if (path !== '/' && !scripts.has(path)) seen.push(path);
    for (const [name, value] of Object.entries(headersFor(path))) response.setHeader(name, value);
    // As a host of others that lets everyone read.
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    if (scripts.has(path)) return response.end(readFileSync(join(scratch, path)));
    if (path.startsWith('/escaped')) return response.end(path.includes('worker') ? 'postMessage(1)' : '1');
    return response.end(
      '<!doctype html><title>rewards</title><body><script type="module" src="/page.js"></script>',
    );
  });
  await once(pages.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => void pages.close(resolve)));

it('the page’s policy allows the script of the frame, and no other', () => {
  const hash = createHash('sha256').update(frameScript).digest('base64');
  expect(FRAME_SCRIPT_HASH).toBe(`sha256-${hash}`);
  expect(pagePolicy).toContain(FRAME_SCRIPT_HASH);
});

const input = (text: string): FunctionInput => ({
  text,
  row: { answer: 'yes', columns: { level: 3 }, tokens: 2, ended: true },
});

/** Tries everything that leaves a worker, by the browser's own functions. */
const escape = (origin: string) => `
const opened = (thing) => new Promise((resolve, reject) => {
  thing.onopen = thing.onsuccess = thing.onmessage = resolve;
  thing.onerror = () => reject(new Error('refused'));
});
const ways = {
  fetch: () => fetch('${origin}/escaped'),
  'fetch without an answer': () => fetch('${origin}/escaped', { mode: 'no-cors' }),
  XMLHttpRequest: () => { const request = new XMLHttpRequest(); request.open('GET', '${origin}/escaped', false); request.send(); },
  WebSocket: () => opened(new WebSocket('${origin.replace('http', 'ws')}/escaped')),
  EventSource: () => opened(new EventSource('${origin}/escaped')),
  importScripts: () => importScripts('${origin}/escaped.js'),
  'importScripts of a blob': () => importScripts(URL.createObjectURL(new Blob(['1'], { type: 'text/javascript' }))),
  import: () => import('${origin}/escaped.js'),
  'a worker of the server': () => opened(new Worker('${origin}/escaped-worker.js')),
  evaluated: () => new Function('return 1')(),
  WebAssembly: () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
  indexedDB: () => opened(indexedDB.open('graft')),
  caches: () => caches.open('graft'),
  OPFS: () => navigator.storage.getDirectory(),
  locks: () => navigator.locks.query(),
};
onmessage = async ({ ports: [port] }) => {
  new BroadcastChannel('graft').postMessage('escaped');
  const done = [];
  for (const [name, way] of Object.entries(ways)) try { await way(); done.push(name); } catch {}
  port.postMessage({ done, tried: Object.keys(ways).length, origin: self.origin });
};
postMessage(null);`;

describe.each(['chromium', 'firefox'] as const)('functions of rewards in a page, in %s', (name) => {
  // Both drivers run a text in the page and give what it resolves to.
  let page: Pick<Page, 'evaluate'>;
  let close = async (): Promise<void> => undefined;

  beforeAll(async () => {
    if (name === 'chromium') {
      const browser = await chromium.launch(chromiumLaunchOptions());
      close = () => browser.close();
      const opened = await browser.newPage();
      await opened.goto(url);
      page = opened;
    } else {
      const browser = await puppeteer.launch(firefoxLaunchOptions(tmpdir()));
      close = () => browser.close();
      const opened = await browser.newPage();
      opened.setDefaultTimeout(WAIT);
      await opened.goto(url);
      page = opened as unknown as Pick<Page, 'evaluate'>;
    }
  });
  afterAll(() => close());

  const score = (sources: string[], texts: string[], seconds = 30, allowed = true) => {
    const functions = sources.map((source, i) => ({ name: `f${i}`, source, seconds }));
    const told = [functions, texts.map(input), allowed].map((one) => JSON.stringify(one)).join(',');
    return page.evaluate<ScoredInPage>(`rewardPage.score(${told})`);
  };

  it('get the text and what is known of its row, and return numbers', async () => {
    const sources = [
      '(text, row) => Number(text.includes(row.answer))',
      'function reward(text, { columns, tokens, ended }) { return columns.level + tokens + Number(ended); } // done',
      '(text) => { if (text === "no") throw new Error("no"); return text; }',
    ];
    expect(await score(sources, ['yes!', 'no'])).toEqual({
      scores: [
        [1, 6, null],
        [0, 6, null],
      ],
      frames: 0,
    });
  });

  it('find nothing but the language', async () => {
    const source = `() => {
      const left = [];
      for (let holder = globalThis; holder !== Object.prototype; holder = Object.getPrototypeOf(holder))
        for (const name of Object.getOwnPropertyNames(holder)) left.push(name);
      const foreign = left.filter((name) => !/^(?:eval|(?:de|en)codeURI.*|(?:un)?escape|parse.*|is.*N|isFinite|globalThis|undefined|NaN|Infinity|JSON|Math|Reflect|[A-Z].*)$/.test(name));
      const heavy = left.filter((name) => /.Array$|Buffer|^(?:Web|Intl|Worker|Message|Event|URL|XML|Blob|Broad|Cache|IDB|File)/.test(name));
      if (foreign.length + heavy.length > 0) throw new Error([...foreign, ...heavy].join());
      return left.length;
    }`;
    const { scores, detail } = await score([source], ['a']);
    expect(detail).toBeUndefined();
    expect(scores![0]![0]).toBeGreaterThan(40);
  });

  it.each([
    ['(', /Unexpected|could not be read as JavaScript/],
    ['3', 'its source is not an expression whose value is a function'],
    ['() => { throw new Error("never"); }', 'it throws for every answer: never'],
    ['() => { throw { get message() { while (true); } }; }', 'it throws for every answer: it threw no error'],
    ['() => { while (true); }', 'it took longer than 0.2 s for an answer'],
    ['() => fetch("/escaped").then(() => 1)', 'it throws for every answer: fetch is not defined'],
    ['() => indexedDB.open("graft") ? 1 : 0', 'it throws for every answer: indexedDB is not defined'],
    ['() => importScripts("/escaped") ?? 1', 'it throws for every answer: importScripts is not defined'],
    ['() => eval("1")', 'it throws for every answer'],
    ['() => (() => 1).constructor("return 1")()', 'it throws for every answer'],
  ])('%s is an error that says why', async (source, detail) => {
    // Only what never ends needs to be ended soon.
    const found = await score([source], ['a', 'b'], /longer than/.test(String(detail)) ? 0.2 : 30);
    expect(found).toMatchObject({ code: 'train.reward_failed', frames: 0 });
    if (typeof detail === 'string') expect(found.detail).toContain(detail);
    else expect(found.detail).toMatch(detail);
  });

  it('do not run where nobody allowed it', async () => {
    expect(await score(['() => 1'], ['a'], 30, false)).toMatchObject({
      code: 'train.reward_not_allowed',
      frames: 0,
    });
  });

  /** What a script that tries to escape did, and what the page and the server heard of it. */
  const escaped = async (framed: boolean) => {
    seen.length = 0;
    const told = JSON.stringify(escape(url));
    const found = await page.evaluate<{ done: string[]; tried: number; origin: string; heard: unknown[] }>(
      `(async () => {
        const heard = [];
        const channel = new BroadcastChannel('graft');
        channel.onmessage = ({ data }) => heard.push(data);
        const found = await rewardPage.run(${told}, ${framed});
        channel.close();
        return { ...found, heard };
      })()`,
    );
    return { ...found, seen: seen.filter((path) => path.includes('escaped')) };
  };

  it('reach nothing even with all that a worker has: the frame’s policy and origin refuse it', async () => {
    expect(await escaped(true)).toEqual({ done: [], tried: 15, origin: 'null', heard: [], seen: [] });
    // The same script does much in a worker of the page.
    const here = await escaped(false);
    for (const way of ['fetch', 'XMLHttpRequest', 'importScripts', 'indexedDB', 'caches', 'OPFS', 'locks'])
      expect(here.done).toContain(way);
    expect(here).toMatchObject({ origin: url, heard: ['escaped'] });
    expect(here.seen).toContain('/escaped');
  });
});
