import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserName } from './studio.ts';

const output = fileURLToPath(new URL('../../../e2e/output/', import.meta.url));

/** The path of a screenshot: e2e/output/<browser>-<name>.png, which git ignores. */
export async function screenshotPath(browser: BrowserName, name: string): Promise<`${string}.png`> {
  await mkdir(output, { recursive: true });
  return join(output, `${browser}-${name}.png`) as `${string}.png`;
}
