/** A run of rows in the pools of keys. */
export interface Segment {
  start: number;
  rows: number;
}

/** The free rows of the pools: each text takes a run of them, first fit, and gives it back. */
export class SegmentSpace {
  readonly rows: number;
  /** Free runs, by their start; neighbours are one. */
  #free: Segment[];

  constructor(rows: number) {
    this.rows = rows;
    this.#free = rows > 0 ? [{ start: 0, rows }] : [];
  }

  /** Rows that are free, in however many runs. */
  get freeRows(): number {
    return this.#free.reduce((sum, { rows }) => sum + rows, 0);
  }

  /** A run of `rows`; null where no free run is as long. */
  take(rows: number): Segment | null {
    const found = this.#free.find((run) => run.rows >= rows);
    if (!found) return null;
    const taken = { start: found.start, rows };
    found.start += rows;
    found.rows -= rows;
    this.#free = this.#free.filter((run) => run.rows > 0);
    return taken;
  }

  give({ start, rows }: Segment): void {
    if (rows === 0) return;
    const all = [...this.#free, { start, rows }].sort((a, b) => a.start - b.start);
    this.#free = [];
    for (const run of all) {
      const last = this.#free.at(-1);
      if (last && last.start + last.rows === run.start) last.rows += run.rows;
      else this.#free.push({ ...run });
    }
  }
}
