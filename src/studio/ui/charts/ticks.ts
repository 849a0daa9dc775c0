/** Numbers at which an axis has a tick: round ones (1, 2 or 5 times a power of ten), at most `most`. */
export function linearTicks(min: number, max: number, most: number): number[] {
  if (!(max > min)) return Number.isFinite(min) ? [min] : [];
  const rough = (max - min) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9))! * power;
  return multiples(unit, min, max);
}

/** Ticks of an axis of steps: round whole numbers. */
export function stepTicks(min: number, max: number, most: number): number[] {
  const ticks = linearTicks(min, max, most);
  return ticks.every(Number.isInteger) ? ticks : multiples(1, min, max);
}

/**
 * Ticks of a logarithmic axis: powers of ten, with their 2 and 5 times where there is room. Where fewer than two of them
 * are in view, the axis is nearly linear, and so are its ticks.
 */
export function logTicks(min: number, max: number, most: number): number[] {
  if (!(min > 0) || !(max > min)) return min > 0 ? [min] : [];
  for (const factors of [[1, 2, 5], [1]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
      // 10 ** -4 is not quite 1e-4.
      for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
    }
    const shown = ticks.filter((tick) => tick >= min && tick <= max);
    if (shown.length < 2) return linearTicks(min, max, Math.min(most, 4));
    if (shown.length <= most) return shown;
    if (factors.length === 1) {
      const stride = Math.ceil(shown.length / Math.max(1, most));
      return shown.filter((_, i) => i % stride === 0);
    }
  }
  return [];
}

function multiples(unit: number, min: number, max: number): number[] {
  const first = Math.ceil(min / unit - 1e-9);
  const count = Math.floor(max / unit + 1e-9) - first;
  // 3 * 0.1 is not quite 0.3.
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * unit).toPrecision(12)));
}
