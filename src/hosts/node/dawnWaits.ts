/** Milliseconds of questions that follow each other at once before a wait counts as long, so that short ones stay short. */
const EAGER = 2;

/** Milliseconds between questions from then on. */
const NAP = 1;

/**
 * Makes Dawn wait without keeping a core busy. In Node it asks the GPU by setImmediate whether it is done, again and again
 * as long as anything is under way; on a software adapter that core is taken from the kernels. Once a wait gets long,
 * the next question comes from a timer.
 */
export function calmDawn(): void {
  const immediate = globalThis.setImmediate;
  let asked = 0;
  let began = 0;
  const patient = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown => {
    if (!isDawns(callback)) return immediate(callback, ...args);
    if (asked === 0) began = performance.now();
    asked += 1;
    const ask = (): void => {
      const before = asked;
      callback(...args);
      // Nothing is under way any more: the next wait begins anew.
      if (asked === before) asked = 0;
    };
    return performance.now() - began < EAGER ? immediate(ask) : setTimeout(ask, NAP);
  };
  // With what util.promisify looks for.
  Object.defineProperties(patient, Object.getOwnPropertyDescriptors(immediate));
  Object.assign(globalThis, { setImmediate: patient });
}

/** Dawn's callback is native and has no name; functions of libraries are neither. */
function isDawns(callback: (...args: unknown[]) => void): boolean {
  return callback.name === '' && Function.prototype.toString.call(callback).includes('[native code]');
}
