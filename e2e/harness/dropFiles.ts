import type { Page } from 'playwright';

/** Drops files or folders onto the element that the selector finds, by Chromium's own drag and drop. */
export async function dropFiles(page: Page, selector: string, paths: readonly string[]): Promise<void> {
  const zone = page.locator(selector);
  await zone.scrollIntoViewIfNeeded();
  const box = await zone.boundingBox();
  if (!box) throw new Error(`${selector} is not visible`);
  const session = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', {
      type,
      x: box.x + box.width / 2,
      y: box.y + box.height / 2,
      data: { items: [], files: [...paths], dragOperationsMask: 1 },
    });
  }
  await session.detach();
}
