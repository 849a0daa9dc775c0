// Several recipes on the same rows, the worse stopped early: loaded when a sweep is made or resumed.
export { createSweep, runSweep } from './runSweep.ts';
export { storedSweepRows } from './sweepRows.ts';
