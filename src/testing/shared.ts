import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';

/** Path of a file in the shared material beside the checkout: third-party models and data, which not everybody has. */
export function sharedPath(file: string): string {
  return fileURLToPath(new URL(`../../../shared/${file}`, import.meta.url));
}

/** Skips a test that needs a file of the shared material where it is missing. */
export function needShared({ skip }: Pick<TestContext, 'skip'>, file: string): void {
  skip(!existsSync(sharedPath(file)), `no ../shared/${file}`);
}
