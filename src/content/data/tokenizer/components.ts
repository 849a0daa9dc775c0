import { tokenizerLimits } from '../programLimits.ts';

const COMPONENTS = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const;

/**
 * Checks the number of steps, patterns and other parts of a tokenizer.json before any is built: a file may have millions,
 * or nest them deeper than any stack. Throws an Error.
 */
export function checkComponents(json: Readonly<Record<string, unknown>>): void {
  const { parts } = tokenizerLimits;
  const pending: unknown[] = COMPONENTS.map((name) => json[name]);
  let count = 0;
  for (let node = pending.pop(); pending.length > 0 || node !== undefined; node = pending.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if (++count > parts) throw new Error(`its steps have more than ${parts} parts`);
    for (const value of Object.values(node)) if (typeof value === 'object') pending.push(value);
  }
}
