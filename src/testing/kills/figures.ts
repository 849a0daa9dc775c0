import type { BrowserName } from '../browsers/studio.ts';
import type { Kill } from './killableTab.ts';

/** What is to be killed: how often, where, and by which random numbers. */
export interface KillOrder {
  browser: BrowserName;
  seed: number;
  /** How many kills. */
  count: number;
}

/** What came of it; anything that was lost or wrong throws instead. */
export interface KillFigures {
  kills: number;
  /** Jobs that ended, with what they have when nobody disturbs them. */
  ended: number;
  /** Starts that continued what an earlier one had begun. */
  continued: number;
}

/** The way of kill number `n`: mostly the worker, which is what happens most; every fifth a tab, and at times the browser. */
export function wayOf(n: number): Kill {
  if (n % 50 === 49) return 'browser';
  if (n % 10 === 9) return 'crash';
  return n % 10 === 4 ? 'close' : 'worker';
}
