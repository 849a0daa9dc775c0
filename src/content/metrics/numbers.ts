/** Decimal numbers, with commas between thousands or without. */
const NUMBER = /[-+−]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+−]?\.\d+/g;

/** The last number of a text, as grade-school answers are read; null without one. */
export function lastNumber(text: string): number | null {
  const found = text.match(NUMBER)?.at(-1);
  if (found === undefined) return null;
  const value = Number(found.replaceAll(',', '').replace('−', '-'));
  return Number.isFinite(value) ? value : null;
}

/** 1 where the last number of the answer is that of the expected text, within `tolerance`. */
export function numberMatch(answer: string, expected: string, tolerance: number): number {
  const [found, right] = [lastNumber(answer), lastNumber(expected)];
  if (found === null || right === null) return 0;
  // Decimal fractions are not exact: a tolerance of 0 forgives their rounding.
  const rounding = 4 * Number.EPSILON * Math.abs(right);
  return Number(Math.abs(found - right) <= tolerance + rounding);
}
