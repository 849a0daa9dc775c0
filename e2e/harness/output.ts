import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserName } from './studio.ts';

const output = fileURLToPath(new URL('../output/', import.meta.url));

/** Where a picture goes: e2e/output/<browser>-<name>.png, which git ignores. */
export async function screenshotPath(browser: BrowserName, name: string): Promise<`${string}.png`> {
  await mkdir(output, { recursive: true });
  return join(output, `${browser}-${name}.png`) as `${string}.png`;
}
