import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import { mappedConversation, type ColumnMapping } from './columns.ts';
import { parseJson, toJsonText } from '../files/exactJson.ts';
import type { ParsedDataset } from '../files/parse.ts';
import type { Problem } from '../files/problems.ts';
import { kindName, type Row } from '../files/row.ts';

/** A user's change to a row: new content, or exclusion. */
interface Change {
  row?: Row;
  excluded?: boolean;
}

/** A change of a row as it is stored: its new content as text, or that it is excluded. */
export interface SavedChange {
  position: number;
  text?: string;
  excluded?: true;
  /** The row is not in the file; `text` is all of it. */
  added?: true;
}

/** Counts of changes to a data file. */
export interface ChangeCounts {
  edited: number;
  excluded: number;
  /** Rows that are not in the file, excluded ones included. */
  added: number;
  /** Maximum number of undo steps. */
  undoable: number;
}

/** A row that was added and is undone with `undo`, or the changes that were in place of others. */
type Past = { added: number } | Map<number, Change | undefined>;

/**
 * A data file's rows with a user's changes; the file itself is unchanged. Rows are addressed by position: their index
 * in the file, from 0, among the rows that were read and the unparsable ones that may be repaired; rows that the user
 * added come after them.
 */
export class Sheet {
  /** By position, the row as in the file, or the problem that makes it unreadable. */
  readonly #entries: ({ line: number; row: Row } | { line: number; problem: Problem })[];
  readonly #positions = new Map<Row, number>();
  readonly #changes = new Map<number, Change>();
  /** Earlier changes, the latest last. */
  readonly #past: Past[] = [];
  /** Number of positions that are in the file. */
  readonly fileLength: number;

  #version = 0;

  constructor(readonly parsed: ParsedDataset) {
    const broken = parsed.problems.filter(({ text }) => text !== undefined);
    const rows = parsed.rows.map((row) => ({ line: row.line, row }));
    // Sorting is stable: among rows on the same line, those that were read come first, in order.
    this.#entries =
      broken.length === 0
        ? rows
        : [...rows, ...broken.map((problem) => ({ line: problem.line, problem }))].sort(
            (a, b) => a.line - b.line,
          );
    this.#entries.forEach((entry, at) => 'row' in entry && this.#positions.set(entry.row, at));
    this.fileLength = this.#entries.length;
  }

  /** How many positions there are. */
  get length(): number {
    return this.#entries.length;
  }

  get counts(): ChangeCounts {
    const changes = [...this.#changes.values()];
    return {
      edited: changes.filter(({ row, excluded }) => row && !excluded).length,
      excluded: changes.filter(({ excluded }) => excluded).length,
      added: this.length - this.fileLength,
      undoable: this.#past.length,
    };
  }

  /** Increases with each change. */
  get version(): number {
    return this.#version;
  }

  /** The row at a position, with edits; null if it can't be read. */
  row(position: number): Row | null {
    const entry = this.#entries[position];
    return this.#changes.get(position)?.row ?? (entry && 'row' in entry ? entry.row : null);
  }

  line(position: number): number {
    return this.#entries[position]!.line;
  }

  /** The problem of the file's row; null if it can be read. */
  fileProblem(position: number): Problem | null {
    const entry = this.#entries[position]!;
    return 'problem' in entry ? entry.problem : null;
  }

  /** The problem of the row; null if it can be read or was repaired. */
  unreadable(position: number): Problem | null {
    return this.isEdited(position) ? null : this.fileProblem(position);
  }

  isExcluded(position: number): boolean {
    return this.#changes.get(position)?.excluded === true;
  }

  /** Whether the row is not in the file. */
  isAdded(position: number): boolean {
    return position >= this.fileLength;
  }

  isEdited(position: number): boolean {
    return this.#changes.get(position)?.row !== undefined;
  }

  /** The first position at or after a line of the file; the last position if there is none. */
  atLine(line: number): number {
    const found = this.#entries.findIndex((entry) => entry.line >= line);
    return found < 0 ? this.length - 1 : found;
  }

  /** The position of a row returned by {@link includedRows}, or of a row of the file. */
  positionOf(row: Row): number {
    return this.#positions.get(row)!;
  }

  /** A row as text for editing: JSON indented by two spaces, or the file's text if it is not JSON. */
  text(position: number): string {
    const row = this.row(position);
    return row ? toJsonText(row.value, 2) : (this.unreadable(position)?.text ?? '');
  }

  /** Parses edited text as the row at a position. Throws `data.edit_not_json`, `data.edit_not_object`. */
  parse(position: number, text: string): Row {
    return { line: this.line(position), value: objectOf(text) };
  }

  /** Stores an edited row, and includes it again if it was excluded. Throws like {@link parse}. */
  edit(position: number, text: string): void {
    const row = this.parse(position, text);
    this.#positions.set(row, position);
    this.#change([position], () => ({ row }));
  }

  /** Adds a row after all others. Throws like {@link parse}. @returns its position */
  add(text: string): number {
    const position = this.#append(text);
    this.#past.push({ added: position });
    return position;
  }

  /** Excludes rows from training and evaluation. */
  exclude(positions: readonly number[]): void {
    const rows = positions.filter((position) => !this.isExcluded(position));
    if (rows.length > 0) this.#change(rows, (before) => ({ ...before, excluded: true }));
  }

  /** Includes an excluded row again; its edit stays. */
  include(position: number): void {
    this.#change([position], (before) => (before?.row ? { row: before.row } : undefined));
  }

  /** Restores a row's content from the file. */
  restore(position: number): void {
    this.#change([position], () => undefined);
  }

  /** All changes, to be stored; without the history that `undo` goes back in. */
  get saved(): SavedChange[] {
    const ofFile = [...this.#changes].filter(([position]) => !this.isAdded(position));
    const added = Array.from({ length: this.length - this.fileLength }, (_, i) => this.fileLength + i);
    return [
      ...ofFile.map(([position, { row, excluded }]) => ({
        position,
        ...(row && { text: toJsonText(row.value, 2) }),
        ...(excluded && { excluded }),
      })),
      ...added.map((position) => ({
        position,
        text: this.text(position),
        ...(this.isExcluded(position) && { excluded: true as const }),
        added: true as const,
      })),
    ];
  }

  /** Makes stored changes again. Those that fit no row are skipped: the file is another one then. */
  restoreSaved(changes: readonly SavedChange[]): void {
    for (const { position, text, excluded, added } of changes) {
      if (added && text !== undefined) {
        const at = this.#append(text);
        if (excluded) this.#set(at, { excluded });
        continue;
      }
      if (position >= this.fileLength) continue;
      const row = text === undefined ? undefined : this.parse(position, text);
      if (row) this.#positions.set(row, position);
      this.#set(position, { ...(row && { row }), ...(excluded && { excluded }) });
    }
  }

  /** Undoes the last change. */
  undo(): void {
    const last = this.#past.pop();
    if (!last) return;
    if (last instanceof Map) {
      for (const [position, change] of last) this.#set(position, change);
    } else {
      // Whatever came after it was undone before.
      this.#entries.length = last.added;
      this.#set(last.added, undefined);
    }
  }

  /** The included rows, in order, with edits. */
  includedRows(): Row[] {
    const rows: Row[] = [];
    for (let position = 0; position < this.length; position++) {
      const row = this.isExcluded(position) ? null : this.row(position);
      if (row) rows.push(row);
    }
    return rows;
  }

  /**
   * The included rows as JSONL; with a mapping, converted to the format it means. Rows that don't match the mapping
   * stay unchanged.
   */
  toJsonl(mapping: ColumnMapping | null): string[] {
    return this.includedRows().map((row) => `${toJsonText(mapping ? mapped(row, mapping) : row.value)}\n`);
  }

  #append(text: string): number {
    const position = this.length;
    const line = (this.#entries.at(-1)?.line ?? 0) + 1;
    const row = { line, value: objectOf(text) };
    this.#entries.push({ line, row });
    this.#positions.set(row, position);
    this.#version++;
    return position;
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

/** Text as the fields of a row. Throws `data.edit_not_json`, `data.edit_not_object`. */
function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new GraftError('data.edit_not_json', { detail: messageOf(error) }, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Number) {
    throw new GraftError('data.edit_not_object', { found: kindName(value) });
  }
  return value as Record<string, unknown>;
}

function mapped(row: Row, mapping: ColumnMapping): object {
  try {
    return mappedConversation(row, mapping);
  } catch {
    return row.value;
  }
}
