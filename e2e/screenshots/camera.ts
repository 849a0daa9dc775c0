import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import type { Language } from '../../src/studio/store/state/prefs.ts';
import { accessibilityProblems } from '../../src/testing/browsers/accessibility.ts';

const themes = ['light', 'dark'] as const;
const windows = {
  phone: { width: 390, height: 844 },
  wide: { width: 1920, height: 1080 },
  /** The desktop's at 200%: half the CSS pixels. */
  zoomed: { width: 640, height: 450 },
  desktop: { width: 1280, height: 900 },
} as const;
type WindowName = keyof typeof windows;

/** Takes screenshots of a page in both themes and all sizes, and records problems in each. */
export class Camera {
  /** One line per problem: axe violations, and elements wider than the window. */
  readonly faults: string[] = [];
  pictures = 0;
  #shot = 0;

  constructor(
    private readonly page: Page,
    private readonly folder: string,
    private readonly language: Language,
  ) {}

  /**
   * Screenshots of a state as `<language>/<number>-<name>-<window>-<theme>.png`; leaves the window at desktop and
   * light.
   * @param selector the element to capture; the whole page by default
   */
  async take(name: string, selector?: string): Promise<void> {
    this.#shot += 1;
    const folder = join(this.folder, this.language);
    await mkdir(folder, { recursive: true });
    const number = String(this.#shot).padStart(2, '0');
    // The desktop is last: it is what the visit goes on with.
    for (const window of Object.keys(windows) as WindowName[]) {
      await this.page.setViewportSize(windows[window]);
      for (const theme of themes.toReversed()) {
        await this.page.emulateMedia({ colorScheme: theme });
        await this.#settle();
        const path = join(folder, `${number}-${name}-${window}-${theme}.png`);
        // What sticks to the window would cover a tall view.
        const style = '.rail, .next, .guide, .status { position: static !important; }';
        if (selector)
          await this.page.locator(selector).first().screenshot({ path, animations: 'disabled', style });
        else await this.page.screenshot({ path, fullPage: true, animations: 'disabled', style });
        this.pictures += 1;
        await this.#check(`${this.language} ${name} ${window} ${theme}`, window);
      }
    }
  }

  async #check(state: string, window: WindowName): Promise<void> {
    const found = await accessibilityProblems({
      runScript: (source) => this.page.evaluate(source),
      evaluate: (f, argument) => this.page.evaluate(f as never, argument),
    });
    const widest = await this.page.evaluate(() => document.documentElement.scrollWidth);
    if (widest > windows[window].width) found.push(`${widest} pixels wide`);
    this.faults.push(...found.map((fault) => `${state}: ${fault}`));
  }

  /** Waits until charts have their new size and colours. */
  async #settle(): Promise<void> {
    await this.page.evaluate(
      () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
    );
    await this.page.waitForTimeout(250);
  }
}
