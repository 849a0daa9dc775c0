import { tokenizerLimits } from '../programLimits.ts';

/*
 * What a tokenizer makes of a text before it has tokens. Its steps come from a stranger's file, and a few of them can
 * double a text as often as they like, so all they make is counted. Encoding is synchronous, so the counter is module
 * state.
 */

let most = 0;
/** Null where nothing is counted. */
let left: number | null = null;

/** Runs `work` on `length` UTF-16 units of text, with a fresh count unless one is under way. */
export function withGrowth<T>(length: number, work: () => T): T {
  if (left !== null) return work();
  most = tokenizerLimits.units + tokenizerLimits.unitsPerUnit * length;
  left = most;
  try {
    return work();
  } finally {
    left = null;
  }
}

/** Counts UTF-16 units or ids that a step makes, before it makes them where they may be many. Throws an Error. */
export function spendGrowth(count: number): void {
  if (left === null) return;
  left -= count;
  if (left < 0) throw new Error(`its steps make more than ${most} characters of one text`);
}
