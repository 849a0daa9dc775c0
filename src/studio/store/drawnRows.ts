/**
 * Rows of a curve that suffice to draw it: of each pixel column the first, the lowest, the highest and the last, and the
 * first that is no number, so that no spike and no gap disappears.
 * @param values one per row
 * @param from first row, @param to after the last
 * @param columns pixel columns
 * @returns rows in order; all of them where they are few
 */
export function drawnRows(values: ArrayLike<number>, from: number, to: number, columns: number): number[] {
  const count = to - from;
  const wide = Math.max(1, Math.floor(columns));
  if (count <= 2 * wide) return Array.from({ length: Math.max(0, count) }, (_, i) => from + i);
  const rows: number[] = [];
  for (let column = 0; column < wide; column++) {
    const first = from + Math.floor((column * count) / wide);
    const last = from + Math.floor(((column + 1) * count) / wide) - 1;
    rows.push(...chosen(values, first, last));
  }
  return rows;
}

function chosen(values: ArrayLike<number>, first: number, last: number): number[] {
  let [low, high, gap] = [-1, -1, -1];
  for (let row = first; row <= last; row++) {
    const value = values[row]!;
    if (!Number.isFinite(value)) {
      if (gap < 0) gap = row;
      continue;
    }
    if (low < 0 || value < values[low]!) low = row;
    if (high < 0 || value > values[high]!) high = row;
  }
  return [...new Set([first, low, high, gap, last].filter((row) => row >= 0))].sort((a, b) => a - b);
}

/** The first row whose step is at least `step`; `length` where there is none. Steps rise. */
export function rowFrom(steps: ArrayLike<number>, length: number, step: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row whose step is nearest to `step`; -1 where there are no rows. */
export function nearestRow(steps: ArrayLike<number>, length: number, step: number): number {
  const after = rowFrom(steps, length, step);
  if (after === length) return length - 1;
  if (after === 0) return 0;
  return steps[after]! - step < step - steps[after - 1]! ? after : after - 1;
}
