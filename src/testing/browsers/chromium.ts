import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright';
import { chromiumLaunchOptions } from '../../launch/chromiumOptions.ts';
import { dropFiles } from './dropFiles.ts';
import { screenshotPath } from './output.ts';
import { WAIT, waitForText, type Studio, type Target } from './studio.ts';

type Role = Parameters<Page['getByRole']>[0];

/**
 * Starts Chromium with an empty profile.
 * @param url the studio's address
 * @param options without WebGPU if requested
 */
export async function openChromium(url: string, options: { webgpu?: boolean } = {}): Promise<ChromiumStudio> {
  const browser = await chromium.launch(chromiumLaunchOptions(options));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(WAIT);
  const page = await context.newPage();
  const downloads = await mkdtemp(join(tmpdir(), 'graft-downloads-'));
  return new ChromiumStudio(browser, page, url, downloads);
}

/** Events of Chromium's trace; durations in µs, wall clock and thread time. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

/** The studio in Chromium, which can also lose its GPU. */
export class ChromiumStudio implements Studio {
  readonly browser = 'chromium';
  readonly problems: string[] = [];

  constructor(
    private readonly process: Browser,
    private page: Page,
    private readonly url: string,
    private readonly downloads: string,
  ) {
    this.listen(page);
  }

  async killTab(): Promise<void> {
    const next = await this.page.context().newPage();
    await this.page.close();
    this.page = next;
    this.listen(next);
  }

  /** Another tab of the same browser; closing this one closes both. */
  async secondTab(): Promise<ChromiumStudio> {
    return new ChromiumStudio(this.process, await this.page.context().newPage(), this.url, this.downloads);
  }

  /** Closes the tab as a user does, with its unload events. */
  async closeTab(): Promise<void> {
    await this.page.close({ runBeforeUnload: false });
  }

  /** Goes back or forward in the tab's history. */
  async go(direction: 'back' | 'forward'): Promise<void> {
    await (direction === 'back' ? this.page.goBack() : this.page.goForward());
  }

  /** Loads the page again, as the key F5 does. */
  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** Presses keys, such as `Tab` or `Control+Enter`. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** Drags the mouse across an element, between parts of its width. */
  async drag(target: Target, from: number, to: number): Promise<void> {
    await this.hover(target, from);
    await this.page.mouse.down();
    await this.hover(target, to);
    await this.page.mouse.up();
  }

  /** Moves the mouse to a part of an element's width, at the middle of its height. */
  async hover(target: Target, part: number): Promise<void> {
    const element = this.find(target);
    await element.scrollIntoViewIfNeeded();
    const box = await element.boundingBox();
    if (!box) throw new Error(`${target.role} “${target.name}” is not shown`);
    await this.page.mouse.move(box.x + part * box.width, box.y + box.height / 2, { steps: 4 });
  }

  /** The tasks of the page's thread during `work`: wall-clock and CPU time, in ms. */
  async tasksDuring(work: () => Promise<void>): Promise<{ clock: number; processor: number }[]> {
    await this.process.startTracing(this.page, {
      categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'],
    });
    await work();
    const { traceEvents } = JSON.parse((await this.process.stopTracing()).toString()) as {
      traceEvents: TraceEvent[];
    };
    const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
    const pages = new Set(
      traceEvents
        .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
        .map(thread),
    );
    return traceEvents
      .filter((event) => event.name.endsWith('RunTask') && pages.has(thread(event)))
      .map(({ dur = 0, tdur = 0 }) => ({ clock: dur / 1000, processor: tdur / 1000 }));
  }

  /** Kills the browser's GPU process, and with it every device. */
  async crashGpu(): Promise<void> {
    const session = await this.process.newBrowserCDPSession();
    // The call fails because the process it addresses is gone.
    await session.send('Browser.crashGpuProcess').catch(() => undefined);
    await session.detach();
  }

  /** Collects the page's garbage and has its process return memory that nothing uses, as the system does when it runs short. */
  async releaseMemory(): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('HeapProfiler.collectGarbage');
    await session.send('Memory.simulatePressureNotification', { level: 'critical' });
    await session.detach();
  }

  async open(path = ''): Promise<void> {
    await this.page.goto(new URL(path, this.url).href);
  }

  view(name: string): Promise<void> {
    return this.click({ role: 'link', name });
  }

  click(target: Target): Promise<void> {
    return this.showing(this.find(target).click());
  }

  async fill(name: string, value: string): Promise<void> {
    // A region may have the field's name too.
    const fields = this.page.getByLabel(name, { exact: true }).and(this.page.locator('input, textarea'));
    await fields.filter({ visible: true }).fill(value);
  }

  async select(name: string, option: string): Promise<void> {
    const lists = this.page.getByLabel(name, { exact: true }).filter({ visible: true });
    await lists.selectOption({ label: option });
  }

  async chooseFiles(target: Target, paths: readonly string[]): Promise<void> {
    const [dialog] = await Promise.all([this.page.waitForEvent('filechooser'), this.click(target)]);
    await dialog.setFiles([...paths]);
  }

  async setFiles(selector: string, paths: readonly string[]): Promise<void> {
    await this.page.locator(selector).setInputFiles([...paths]);
  }

  dropFiles(selector: string, paths: readonly string[]): Promise<void> {
    return dropFiles(this.page, selector, paths);
  }

  waitForText(text: string | RegExp, timeoutMs = WAIT): Promise<string> {
    return waitForText(this, text, timeoutMs);
  }

  text(): Promise<string> {
    return this.page.locator('body').innerText();
  }

  evaluate<A, R>(f: (argument: A) => R | Promise<R>, argument: A): Promise<R> {
    return this.page.evaluate(f as never, argument);
  }

  async runScript(source: string): Promise<void> {
    await this.page.evaluate(source);
  }

  async download(start: () => Promise<void>, timeoutMs = WAIT): Promise<string> {
    const [download] = await this.showing(
      Promise.all([this.page.waitForEvent('download', { timeout: timeoutMs }), start()]),
    );
    const path = join(this.downloads, download.suggestedFilename());
    await download.saveAs(path);
    return path;
  }

  /** Adds what the page shows to the error of what never happened. */
  private async showing<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const shown = await this.text().catch(() => 'nothing, it is gone');
      throw new Error(`${(error as Error).message}\nThe page shows:\n${shown}`, { cause: error });
    }
  }

  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  async colorScheme(scheme: 'light' | 'dark'): Promise<void> {
    await this.page.emulateMedia({ colorScheme: scheme });
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: await screenshotPath(this.browser, name), fullPage: true });
  }

  async close(): Promise<void> {
    await this.process.close();
    await rm(this.downloads, { recursive: true, force: true });
  }

  private listen(page: Page): void {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
  }

  private find({ role, name }: Target) {
    return this.page.getByRole(role as Role, { name, exact: true });
  }
}
