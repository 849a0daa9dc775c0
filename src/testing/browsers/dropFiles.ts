import type { Page } from 'playwright';
import { poll, WAIT } from './studio.ts';

/**
 * Drops files or folders onto the element that the selector finds, by Chromium's own drag and drop, and returns when
 * the page has taken them. While the drop lasts the element has a child that covers the window, so that it is met
 * wherever the page has moved it. A page that is busy takes no drop: it is tried again.
 */
export async function dropFiles(page: Page, selector: string, paths: readonly string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize() ?? { width: 2, height: 2 };
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  await poll(
    async () => {
      await page.locator(selector).first().waitFor({ timeout: WAIT });
      const cover = await page.evaluateHandle(coverWindow, selector);
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
        await session.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data });
      }
      const taken = await cover.evaluate((element) => {
        element?.remove();
        return element?.dataset.dropped === 'yes';
      });
      await cover.dispose();
      return taken;
    },
    WAIT,
    async () => `the page takes no drop on ${selector}; it shows:\n${await page.locator('body').innerText()}`,
  );
  await session.detach();
}

/** Runs in the page. */
function coverWindow(selector: string): HTMLElement | null {
  const target = document.querySelector(selector);
  if (!target) return null;
  const cover = document.createElement('div');
  cover.style.cssText = 'position: fixed; inset: 0; z-index: 2147483647';
  // Also where the element has gone meanwhile: the page takes drops everywhere.
  window.addEventListener('drop', () => (cover.dataset.dropped = 'yes'), { once: true, capture: true });
  target.append(cover);
  return cover;
}
