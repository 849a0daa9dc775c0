import { fileURLToPath } from 'node:url';

/** Path of a file in the shared material beside the checkout (reference runs, models, data). */
export function sharedPath(file: string): string {
  return fileURLToPath(new URL(`../../../shared/${file}`, import.meta.url));
}
