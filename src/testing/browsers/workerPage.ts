import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import puppeteer, { type Page as FirefoxPage } from 'puppeteer-core';
import { build } from 'vite';
import { wgslPlugin } from '../../launch/wgslPlugin.ts';
import { chromiumLaunchOptions } from '../../launch/chromiumOptions.ts';
import { firefoxLaunchOptions } from '../../launch/firefoxOptions.ts';
import { WAIT, type BrowserName } from './studio.ts';

/** An empty page that can start a worker of ours. */
export interface WorkerPage {
  page: Page | FirefoxPage;
  /** Starts the worker anew, posts it `task`, gives its first answer and ends it. */
  ask<T>(task: unknown): Promise<T>;
  close(): Promise<void>;
}

/** Bundles the worker at `entry` (a path) and serves it as /worker.js of an empty page, isolated as the studio is. */
export async function serveWorker(entry: string): Promise<{ url: string; close(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-worker-'));
  await build({
    configFile: false,
    plugins: [wgslPlugin()],
    logLevel: 'error',
    build: { outDir: folder, lib: { entry, formats: ['es'], fileName: () => 'worker.js' } },
  });
  // The worker and the chunks that it loads on demand.
  const scripts = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => [`/${name}`, readFileSync(join(folder, name))]),
  );
  rmSync(folder, { recursive: true });
  const server = createServer((request, response) => {
    const script = scripts.get(request.url!);
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.end(script ?? '<!doctype html><title>worker</title>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => void server.close(),
  };
}

/** Opens a page that has the worker at `entry` (a path). */
export async function openWorkerPage(entry: string, browser: BrowserName = 'chromium'): Promise<WorkerPage> {
  const server = await serveWorker(entry);
  const { page, close } = browser === 'chromium' ? await chromiumPage() : await firefoxPage();
  page.setDefaultTimeout(WAIT);
  await page.goto(server.url);
  // tsx keeps names of functions by a helper, which functions sent to the page call too.
  await (page.evaluate.bind(page) as (script: string) => Promise<unknown>)('globalThis.__name ??= (f) => f');
  return {
    page,
    ask: async <T>(task: unknown) => {
      // Both drivers give the function's result under types of their own.
      const evaluate = page.evaluate.bind(page) as (ask: typeof askWorker, what: unknown) => Promise<T>;
      return evaluate(askWorker, task);
    },
    async close() {
      await close();
      server.close();
    },
  };
}

/** Runs in the page. */
function askWorker(task: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const started = new Worker('/worker.js', { type: 'module' });
    started.onmessage = ({ data }) => {
      started.terminate();
      resolve(data);
    };
    started.onerror = (event) => reject(new Error(event.message || 'a script of the worker did not load'));
    started.postMessage(task);
  });
}

/** With a profile on disk, as a person's: without one, Chromium keeps files of OPFS in another process's memory. */
async function chromiumPage() {
  const profile = mkdtempSync(join(tmpdir(), 'graft-profile-'));
  const context = await chromium.launchPersistentContext(profile, chromiumLaunchOptions());
  const close = async (): Promise<void> => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { page: await context.newPage(), close };
}

async function firefoxPage() {
  const browser = await puppeteer.launch(firefoxLaunchOptions(tmpdir()));
  return { page: await browser.newPage(), close: () => browser.close() };
}
