import { GraftError, messageOf } from '../lib/errors.ts';
import { mappedConversation, type ColumnMapping } from './columns.ts';
import { parseJson, toJsonText } from './exactJson.ts';
import type { ParsedDataset } from './parse.ts';
import type { Problem } from './problems.ts';
import { kindName, type Row } from './row.ts';

/** What a person did to a row: its new content, or that it is left out. */
interface Change {
  row?: Row;
  excluded?: boolean;
}

/** How much of a data file was changed by hand. */
export interface ChangeCounts {
  edited: number;
  excluded: number;
  /** How many changes can be taken back, one after another. */
  undoable: number;
}

/**
 * A data file's rows with what a person changed in them; the file stays as it is. Rows go by their position: their
 * place in the file, from 0, among those that were read and those whose JSON could not be read but may be repaired.
 */
export class Sheet {
  /** Per position the row as the file has it, or why it can't be read. */
  readonly #places: ({ line: number; row: Row } | { line: number; problem: Problem })[];
  readonly #positions = new Map<Row, number>();
  readonly #changes = new Map<number, Change>();
  /** Changes of before, the latest last. */
  readonly #past: Map<number, Change | undefined>[] = [];

  #version = 0;

  constructor(readonly parsed: ParsedDataset) {
    const broken = parsed.problems.filter(({ text }) => text !== undefined);
    const rows = parsed.rows.map((row) => ({ line: row.line, row }));
    // Sorting is stable: of rows that share a line, those that were read come first, in their order.
    this.#places =
      broken.length === 0
        ? rows
        : [...rows, ...broken.map((problem) => ({ line: problem.line, problem }))].sort(
            (a, b) => a.line - b.line,
          );
    this.#places.forEach((place, at) => 'row' in place && this.#positions.set(place.row, at));
  }

  /** How many positions there are. */
  get length(): number {
    return this.#places.length;
  }

  get counts(): ChangeCounts {
    const changes = [...this.#changes.values()];
    return {
      edited: changes.filter(({ row, excluded }) => row && !excluded).length,
      excluded: changes.filter(({ excluded }) => excluded).length,
      undoable: this.#past.length,
    };
  }

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  /** The row there, as it was edited; null for one that can't be read. */
  row(position: number): Row | null {
    const place = this.#places[position];
    return this.#changes.get(position)?.row ?? (place && 'row' in place ? place.row : null);
  }

  line(position: number): number {
    return this.#places[position]!.line;
  }

  /** Why the row of the file can't be read; null where it can. */
  fileProblem(position: number): Problem | null {
    const place = this.#places[position]!;
    return 'problem' in place ? place.problem : null;
  }

  /** Why the row there can't be read; null where it can, or was repaired. */
  unreadable(position: number): Problem | null {
    return this.isEdited(position) ? null : this.fileProblem(position);
  }

  isExcluded(position: number): boolean {
    return this.#changes.get(position)?.excluded === true;
  }

  isEdited(position: number): boolean {
    return this.#changes.get(position)?.row !== undefined;
  }

  /** The first position at or after that line of the file; the last one where there is none. */
  atLine(line: number): number {
    const found = this.#places.findIndex((place) => place.line >= line);
    return found < 0 ? this.length - 1 : found;
  }

  /** The position of a row that {@link kept} gave, or of one of the file. */
  positionOf(row: Row): number {
    return this.#positions.get(row)!;
  }

  /** A row as text to be edited: JSON with two spaces, or what stands in the file where that is no JSON. */
  text(position: number): string {
    const row = this.row(position);
    return row ? toJsonText(row.value, 2) : (this.unreadable(position)?.text ?? '');
  }

  /** The row that `text` describes, in that place. Throws `data.edit_not_json`, `data.edit_not_object`. */
  parse(position: number, text: string): Row {
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      throw new GraftError('data.edit_not_json', { detail: messageOf(error) }, { cause: error });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Number) {
      throw new GraftError('data.edit_not_object', { found: kindName(value) });
    }
    return { line: this.line(position), value: value as Record<string, unknown> };
  }

  /** Puts an edited row in its place, and takes it in again where it was excluded. Throws as {@link parse}. */
  edit(position: number, text: string): void {
    const row = this.parse(position, text);
    this.#positions.set(row, position);
    this.#change([position], () => ({ row }));
  }

  /** Leaves rows out of training and evaluation. */
  exclude(positions: readonly number[]): void {
    const rows = positions.filter((position) => !this.isExcluded(position));
    if (rows.length > 0) this.#change(rows, (before) => ({ ...before, excluded: true }));
  }

  /** Takes an excluded row in again; its edit stays. */
  include(position: number): void {
    this.#change([position], (before) => (before?.row ? { row: before.row } : undefined));
  }

  /** Gives a row back the content it has in the file. */
  restore(position: number): void {
    this.#change([position], () => undefined);
  }

  /** Takes the last change back. */
  undo(): void {
    for (const [position, change] of this.#past.pop() ?? []) this.#set(position, change);
  }

  /** The rows that are left in, in their order, with their edits. */
  kept(): Row[] {
    const rows: Row[] = [];
    for (let position = 0; position < this.length; position++) {
      const row = this.isExcluded(position) ? null : this.row(position);
      if (row) rows.push(row);
    }
    return rows;
  }

  /** What is left in as JSONL; with a mapping, in the shape it means. Rows that it doesn't fit stay as they are. */
  toJsonl(mapping: ColumnMapping | null): string[] {
    return this.kept().map((row) => `${toJsonText(mapping ? mapped(row, mapping) : row.value)}\n`);
  }

  #change(positions: readonly number[], next: (before: Change | undefined) => Change | undefined): void {
    const before = new Map(positions.map((position) => [position, this.#changes.get(position)]));
    this.#past.push(before);
    for (const [position, change] of before) this.#set(position, next(change));
  }

  #set(position: number, change: Change | undefined): void {
    this.#version++;
    if (change) this.#changes.set(position, change);
    else this.#changes.delete(position);
  }
}

function mapped(row: Row, mapping: ColumnMapping): object {
  try {
    return mappedConversation(row, mapping);
  } catch {
    return row.value;
  }
}
