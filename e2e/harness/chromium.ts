import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright';
import { chromiumLaunchOptions } from './chromiumOptions.ts';
import { dropFiles } from './dropFiles.ts';
import { screenshotPath } from './output.ts';
import { waitForText, type Studio, type Target } from './studio.ts';

type Role = Parameters<Page['getByRole']>[0];

/** Starts Chromium with an empty profile. @param url the studio's address, @param options without WebGPU if asked */
export async function openChromium(url: string, options: { webgpu?: boolean } = {}): Promise<ChromiumStudio> {
  const browser = await chromium.launch(chromiumLaunchOptions(options));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const downloads = await mkdtemp(join(tmpdir(), 'graft-downloads-'));
  return new ChromiumStudio(browser, page, url, downloads);
}

/** What Chromium's trace tells; durations in µs, by the clock and by the thread. */
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

  /** The tasks of the page's thread while `work` runs: by the clock, and by the processor, in ms. */
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

  /** Ends the browser's GPU process, and with it every device. */
  async crashGpu(): Promise<void> {
    const session = await this.process.newBrowserCDPSession();
    // It answers only that it is done for.
    await session.send('Browser.crashGpuProcess').catch(() => undefined);
    await session.detach();
  }

  async open(path = ''): Promise<void> {
    await this.page.goto(new URL(path, this.url).href);
  }

  async click(target: Target): Promise<void> {
    await this.find(target).click();
  }

  async fill(name: string, value: string): Promise<void> {
    await this.page.getByLabel(name, { exact: true }).fill(value);
  }

  async select(name: string, option: string): Promise<void> {
    await this.page.getByLabel(name, { exact: true }).selectOption({ label: option });
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

  waitForText(text: string | RegExp, timeoutMs = 30_000): Promise<string> {
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

  async download(start: () => Promise<void>, timeoutMs = 60_000): Promise<string> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download', { timeout: timeoutMs }),
      start(),
    ]);
    const path = join(this.downloads, download.suggestedFilename());
    await download.saveAs(path);
    return path;
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
