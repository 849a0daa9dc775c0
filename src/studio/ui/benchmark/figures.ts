/** SI prefixes by powers of a thousand. */
const large = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/**
 * A rate with three digits: 12.3 TFLOP/s.
 * @param unit FLOP/s or B/s
 */
export function formatRate(perSecond: number, unit: string): string {
  if (!Number.isFinite(perSecond)) return '–';
  let [value, power] = [perSecond, 0];
  while (value >= 1000 && power < large.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${Number(value.toPrecision(3))} ${large[power]}${unit}`;
}

/** A short time with three digits: 12.3 ms. */
export function formatTime(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds >= 1) return `${Number(seconds.toPrecision(3))} s`;
  if (seconds >= 1e-3) return `${Number((seconds * 1e3).toPrecision(3))} ms`;
  return `${Number((seconds * 1e6).toPrecision(3))} µs`;
}
