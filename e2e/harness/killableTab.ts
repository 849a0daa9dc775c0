import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { chromiumLaunchOptions } from './chromiumOptions.ts';
import { serveWorker } from './workerPage.ts';

/** How a worker is ended: alone, with its tab closed, with its tab's process, or with the whole browser. */
export type Kill = 'worker' | 'close' | 'crash' | 'browser';

/** A tab of a browser whose profile is on disk, in which a worker runs until it is ended, however roughly. */
export class KillableTab<News extends { kind: string }> {
  readonly #server: Awaited<ReturnType<typeof serveWorker>>;
  readonly #profile = mkdtempSync(join(tmpdir(), 'graft-kills-'));
  #context: BrowserContext | null = null;
  #page: Page | null = null;
  #hear: (news: News) => void = () => undefined;

  private constructor(server: Awaited<ReturnType<typeof serveWorker>>) {
    this.#server = server;
  }

  /** @param entry the path of the worker */
  static async open<News extends { kind: string }>(entry: string): Promise<KillableTab<News>> {
    return new KillableTab<News>(await serveWorker(entry));
  }

  /**
   * Starts the worker with a task. It ends by itself when it says `done` or `failed`; with `kill`, so many milliseconds
   * after so many news of it.
   * @param hear is called with whatever the worker tells
   * @returns whether it was killed
   */
  async run(
    task: unknown,
    hear: (news: News) => void,
    kill?: { how: Kill; news: number; after: number },
  ): Promise<boolean> {
    const page = await this.#open();
    let running = true;
    let end: (killed: boolean) => void = () => undefined;
    const ended = new Promise<boolean>((resolve) => (end = resolve));
    let count = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const startTimer = (): void => {
      if (count === kill?.news) timer = setTimeout(end, kill.after, true);
    };
    this.#hear = (news) => {
      if (!running) return;
      hear(news);
      count += 1;
      startTimer();
      if (news.kind === 'done' || news.kind === 'failed') end(false);
    };
    const starting = page.evaluate((what) => {
      const scope = globalThis as unknown as { worker?: Worker; tell(news: unknown): void };
      scope.worker = new Worker('/worker.js', { type: 'module' });
      scope.worker.onmessage = ({ data }) => scope.tell(data);
      scope.worker.onerror = ({ message }) => scope.tell({ kind: 'failed', error: message });
      scope.worker.postMessage(what);
    }, task);
    startTimer();
    const killed = await ended;
    clearTimeout(timer);
    await starting;
    await this.#end(killed ? kill!.how : 'worker');
    running = false;
    return killed;
  }

  async close(): Promise<void> {
    await this.#context?.close();
    this.#server.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  async #open(): Promise<Page> {
    if (!this.#context) {
      this.#context = await chromium.launchPersistentContext(this.#profile, chromiumLaunchOptions());
      await this.#context.exposeFunction('tell', (news: News) => this.#hear(news));
    }
    if (!this.#page) {
      this.#page = await this.#context.newPage();
      await this.#page.goto(this.#server.url);
      await (this.#page.evaluate as (script: string) => Promise<unknown>)('globalThis.__name ??= (f) => f');
    }
    return this.#page;
  }

  async #end(how: Kill): Promise<void> {
    const [page, context] = [this.#page!, this.#context!];
    if (how === 'worker') {
      await page.evaluate(() => (globalThis as unknown as { worker: Worker }).worker.terminate());
      return;
    }
    this.#page = null;
    if (how === 'close') return page.close();
    const session = await context.newCDPSession(page);
    if (how === 'crash') {
      const crashed = page.waitForEvent('crash');
      session.send('Page.crash').catch(() => undefined);
      await crashed;
      return page.close();
    }
    this.#context = null;
    const closed = context.waitForEvent('close');
    session.send('Browser.crash').catch(() => undefined);
    await closed;
  }
}
