import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type ElementHandle, type Page } from 'puppeteer-core';
import { firefoxLaunchOptions } from '../../launch/firefoxOptions.ts';
import { byRoleScript } from './byRole.ts';
import { screenshotPath } from './output.ts';
import { poll, WAIT, waitForText, type Studio, type Target } from './studio.ts';

/**
 * Starts Firefox with an empty profile over WebDriver BiDi.
 * @param url the studio's address
 */
export async function openFirefox(url: string): Promise<Studio> {
  const downloads = await mkdtemp(join(tmpdir(), 'graft-downloads-'));
  const browser = await puppeteer.launch(firefoxLaunchOptions(downloads));
  const page = await browser.newPage();
  page.setDefaultTimeout(WAIT);
  return new FirefoxStudio(browser, page, url, downloads);
}

class FirefoxStudio implements Studio {
  readonly browser = 'firefox';
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
    const next = await this.process.newPage();
    next.setDefaultTimeout(WAIT);
    await this.page.close({ runBeforeUnload: false });
    this.page = next;
    this.listen(next);
  }

  private listen(page: Page): void {
    page.on('pageerror', (error) =>
      this.problems.push(error instanceof Error ? error.message : String(error)),
    );
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
  }

  async open(path = ''): Promise<void> {
    await this.page.goto(new URL(path, this.url).href);
  }

  view(name: string): Promise<void> {
    return this.click({ role: 'link', name });
  }

  async click(target: Target): Promise<void> {
    await this.page.evaluate(await byRoleScript());
    let reason = 'there is none';
    // While a page moves, a click can go beside its element.
    await poll(
      async () => {
        const found = await this.page.evaluateHandle(noteClick, target);
        const element = found.asElement() as ElementHandle<Element> | null;
        if (!element) return false;
        await element.click().catch((error: unknown) => {
          if (this.page.isClosed()) throw error;
          reason = String(error);
        });
        return element.evaluate(wasClicked).catch(leftPage);
      },
      WAIT,
      async () =>
        `no ${target.role} “${target.name}” to click: ${reason}; the page shows:\n${await this.text()}`,
    );
  }

  async fill(name: string, value: string): Promise<void> {
    // `aria/NAME` would also match the label itself: select the labelled field.
    const field = await this.page.waitForFunction(
      (label) => {
        const fields = document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea');
        const found = [...fields].find(
          (one) =>
            one.checkVisibility() &&
            (one.ariaLabel === label || one.labels?.[0]?.textContent?.trim() === label),
        );
        return found && !found.disabled && !found.readOnly ? found : null;
      },
      {},
      name,
    );
    const input = field.asElement() as ElementHandle<HTMLInputElement>;
    await input.evaluate((element) => {
      element.focus();
      element.select();
    });
    await this.page.keyboard.type(value);
  }

  async select(name: string, option: string): Promise<void> {
    const found = await this.page.waitForFunction(
      (label, text) => {
        const lists = [...document.querySelectorAll('select')];
        const list = lists.find(
          (one) => one.checkVisibility() && one.labels[0]?.textContent?.trim() === label,
        );
        const value = [...(list?.options ?? [])].find((candidate) => candidate.text === text)?.value;
        return list && !list.disabled && value !== undefined ? { list, value } : null;
      },
      {},
      name,
      option,
    );
    const [list, value] = await Promise.all([found.getProperty('list'), found.getProperty('value')]);
    await (list.asElement() as ElementHandle<HTMLSelectElement>).select((await value.jsonValue()) as string);
  }

  async chooseFiles(target: Target, paths: readonly string[]): Promise<void> {
    const [dialog] = await Promise.all([this.page.waitForFileChooser(), this.click(target)]);
    await dialog.accept([...paths]);
  }

  async setFiles(selector: string, paths: readonly string[]): Promise<void> {
    const input = (await this.page.waitForSelector(selector)) as ElementHandle<HTMLInputElement> | null;
    if (!input) throw new Error(`no ${selector}`);
    await input.uploadFile(...paths);
  }

  async dropFiles(selector: string, paths: readonly string[]): Promise<void> {
    // BiDi cannot drop files. An extra input takes them from disk, and an event carries them on.
    await this.page.evaluate(() => {
      const input = document.createElement('input');
      Object.assign(input, { type: 'file', multiple: true, id: 'e2e-dropped', hidden: true });
      document.body.append(input);
    });
    await this.setFiles('#e2e-dropped', paths);
    await poll(
      () => this.page.evaluate(dropOn, selector),
      WAIT,
      async () => `the page takes no drop on ${selector}; it shows:\n${await this.text()}`,
    );
  }

  waitForText(text: string | RegExp, timeoutMs = WAIT): Promise<string> {
    return waitForText(this, text, timeoutMs);
  }

  text(): Promise<string> {
    return this.page.evaluate(() => document.body.innerText);
  }

  evaluate<A, R>(f: (argument: A) => R | Promise<R>, argument: A): Promise<R> {
    return this.page.evaluate(f as (argument: unknown) => R | Promise<R>, argument) as Promise<R>;
  }

  async runScript(source: string): Promise<void> {
    await this.page.evaluate(source);
  }

  async download(start: () => Promise<void>, timeoutMs = WAIT): Promise<string> {
    const before = new Set(await readdir(this.downloads));
    await start();
    // Firefox writes NAME.part beside an empty NAME and renames it when the file is complete.
    return poll(
      async () => {
        const names = await readdir(this.downloads);
        if (names.some((name) => name.endsWith('.part'))) return undefined;
        const name = names.find((candidate) => !before.has(candidate));
        if (name === undefined) return undefined;
        const path = join(this.downloads, name);
        return (await stat(path)).size > 0 && path;
      },
      timeoutMs,
      async () => `no download in firefox; folder: ${(await readdir(this.downloads)).join(', ') || 'empty'}`,
    );
  }

  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewport({ width, height });
  }

  async colorScheme(scheme: 'light' | 'dark'): Promise<void> {
    await this.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: await screenshotPath(this.browser, name), fullPage: true });
  }

  async close(): Promise<void> {
    await this.process.close();
    await rm(this.downloads, { recursive: true, force: true });
  }
}

/**
 * Runs in the page: drops the files of our input onto the element, as it is now, in one go, so that nothing moves
 * meanwhile. A page that takes the drop marks where it would go while files are dragged over it.
 */
function dropOn(selector: string): boolean {
  const zone = document.querySelector(selector);
  const input = document.querySelector<HTMLInputElement>('#e2e-dropped');
  if (!zone || !input) return false;
  const dataTransfer = new DataTransfer();
  for (const file of input.files ?? []) dataTransfer.items.add(file);
  const send = (type: string) =>
    zone.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
  send('dragenter');
  send('dragover');
  if (!document.documentElement.dataset.dragging) return false;
  send('drop');
  input.remove();
  return true;
}

/** Runs in the page: the element with this role and name, which notes whether a click reaches it. */
function noteClick(target: Target): Element | null {
  const element: (Element & { clicked?: boolean }) | null = findByRole(target);
  if (!element) return null;
  element.clicked = false;
  element.addEventListener('click', () => (element.clicked = true), { capture: true, once: true });
  return element;
}

/** Runs in the page: whether a click reached an element since `noteClick`, or its successor: it may have been replaced. */
function wasClicked(element: Element & { clicked?: boolean }): boolean {
  return element.clicked === true || !element.isConnected;
}

/** An element that is gone with its page was clicked: the click opened another one. */
function leftPage(): boolean {
  return true;
}
