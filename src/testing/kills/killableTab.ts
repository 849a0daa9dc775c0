import { fileURLToPath } from 'node:url';
import { WAIT, type BrowserName } from '../browsers/studio.ts';
import { serveWorker } from '../browsers/workerPage.ts';
import type { KillableBrowser, KillablePage } from './killableBrowser.ts';
import { killableChromium } from './killableChromium.ts';
import { killableFirefox } from './killableFirefox.ts';

/** How a worker is ended: alone, with its tab closed, with its tab's process, or with the whole browser. */
export type Kill = 'worker' | 'close' | 'crash' | 'browser';

/** A tab in which a worker runs until it is ended, however roughly. */
export class KillableTab<News extends { kind: string }> {
  readonly #server: Awaited<ReturnType<typeof serveWorker>>;
  readonly #browser: KillableBrowser;
  #page: KillablePage | null = null;
  #hear: (news: News) => void = () => undefined;
  /** The number of the worker that is heard: what one before it said may arrive late. */
  #worker = 0;

  private constructor(server: Awaited<ReturnType<typeof serveWorker>>, browser: KillableBrowser) {
    this.#server = server;
    this.#browser = browser;
  }

  /** @param worker the file of the worker, beside this one */
  static async open<News extends { kind: string }>(
    worker: string,
    browser: BrowserName = 'chromium',
  ): Promise<KillableTab<News>> {
    const server = await serveWorker(fileURLToPath(new URL(worker, import.meta.url)));
    return new KillableTab<News>(server, browser === 'chromium' ? killableChromium() : killableFirefox());
  }

  /**
   * Starts the worker with a task. It ends by itself when it says `done` or `failed`. When it says `dying`, which it
   * does where it stops for good, it is ended as `how` says: so a kill comes exactly there.
   * @param hear is called with whatever the worker tells
   * @returns whether it was killed
   */
  async run(task: unknown, hear: (news: News) => void, how: Kill = 'worker'): Promise<boolean> {
    const page = await this.#open();
    let end: (killed: boolean) => void = () => undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ended = new Promise<boolean>((resolve, reject) => {
      end = resolve;
      timer = setTimeout(() => reject(new Error(`the worker said nothing for ${WAIT} ms`)), WAIT);
    });
    this.#hear = (news) => {
      timer?.refresh();
      hear(news);
      if (news.kind === 'done' || news.kind === 'failed') end(false);
      if (news.kind === 'dying') end(true);
    };
    const number = ++this.#worker;
    await page.evaluate(`{
      const hear = (news) => tell({ worker: ${number}, news });
      globalThis.worker = new Worker('/worker.js', { type: 'module' });
      worker.onmessage = ({ data }) => hear(data);
      worker.onerror = ({ message }) => hear({ kind: 'failed', error: message || 'a script of the worker did not load' });
      worker.postMessage(${JSON.stringify(task)});
    }`);
    const killed = await ended.finally(() => clearTimeout(timer));
    this.#hear = () => undefined;
    await this.#end(killed ? how : 'worker');
    return killed;
  }

  /** The same for a task that is answered at its end. @returns what `done` says; null where it was killed. Throws what `failed` says. */
  async ask(task: unknown, how?: Kill): Promise<Extract<News, { kind: 'done' }> | null> {
    let last: News | null = null;
    const killed = await this.run(task, (news) => (last = news), how);
    const { kind, error } = last as unknown as { kind: string; error?: string };
    if (kind === 'failed') throw new Error(error);
    return killed ? null : (last as unknown as Extract<News, { kind: 'done' }>);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
  }

  async #open(): Promise<KillablePage> {
    if (!this.#page) {
      this.#page = await this.#browser.open((said) => {
        const { worker, news } = said as { worker: number; news: News };
        if (worker === this.#worker) this.#hear(news);
      });
      await this.#page.goto(this.#server.url);
    }
    return this.#page;
  }

  async #end(how: Kill): Promise<void> {
    const page = this.#page!;
    if (how === 'worker') return void (await page.evaluate('worker.terminate()'));
    this.#page = null;
    if (how === 'close') return page.close();
    return how === 'crash' ? this.#browser.crash(page) : this.#browser.kill();
  }
}
