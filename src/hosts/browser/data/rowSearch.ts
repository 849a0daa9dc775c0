import { textMatcher } from '../../../content/data/rows/matches.ts';
import type { Sheet } from '../../../content/data/rows/sheet.ts';

/** Finds rows by text. */
export class RowSearch {
  readonly #sheet: Sheet;
  /** The positions that the last query found, and in which version of the sheet. */
  #last: { query: string; version: number; positions: number[] } | null = null;

  constructor(sheet: Sheet) {
    this.#sheet = sheet;
  }

  /** The next position from `from` on whose row holds `query`, wrapping around; and how many rows do. */
  find(query: string, from: number, direction: 1 | -1): { position: number | null; matches: number } {
    const positions = this.#positions(query);
    const next =
      direction > 0
        ? (positions.find((position) => position >= from) ?? positions[0])
        : (positions.findLast((position) => position <= from) ?? positions.at(-1));
    return { position: next ?? null, matches: positions.length };
  }

  #positions(query: string): number[] {
    const sheet = this.#sheet;
    if (this.#last?.query === query && this.#last.version === sheet.version) return this.#last.positions;
    const holds = textMatcher(query);
    const positions: number[] = [];
    for (let position = 0; position < sheet.length; position++) {
      const row = sheet.row(position);
      if (holds(row ? row.value : sheet.text(position))) positions.push(position);
    }
    this.#last = { query, version: sheet.version, positions };
    return positions;
  }
}
