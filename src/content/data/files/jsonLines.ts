import { parseJson } from './exactJson.ts';
import { decodeRow, objectRow, parsedText, type ParseLog } from './jsonRow.ts';
import { JsonScanner } from './jsonScanner.ts';
import { MAX_ROW_BYTES, type RawRow } from './lines.ts';
import type { Row } from './row.ts';

/** An object that spans lines and is not closed yet. */
interface Open {
  /** The lines so far; the first starts with the object. */
  lines: RawRow[];
  bytes: number;
  scanner: JsonScanner;
  /** Leading whitespace of its first line, in bytes. */
  indent: number;
}

const OPEN_OBJECT = 0x7b;

/**
 * Rows of a file of consecutive JSON objects: usually one per line, but also pretty-printed over several lines, or
 * several on a line. A line that is not JSON is a separate problem and leaves the others intact. Lines are pushed in
 * order.
 */
export class JsonLines {
  private open: Open | null = null;
  /** Indentation of the broken object that the next lines still belong to; null if there is none. */
  private skipped: number | null = null;

  constructor(
    private readonly log: ParseLog,
    private readonly rows: Row[],
  ) {}

  push(line: RawRow): void {
    if (this.open) return this.pushToOpen(this.open, line);
    const { bytes } = line;
    if (this.skipped !== null && !begins(line, this.skipped)) return;
    this.skipped = null;
    // Concatenated files have a BOM at the start of each.
    const text = decodeRow(line, this.log)?.replace(/^\ufeff/, '') ?? null;
    if (text === null || bytes === null || text.trim() === '') return;
    const parsed = parsedText(text, line, this.log, () => this.pushIrregular({ ...line, bytes }, text));
    if (parsed) this.add(parsed.value, line.line, text);
  }

  /** Ends the file. */
  end(): void {
    while (this.open) this.fail(this.open);
  }

  private add(value: unknown, line: number, text: string): void {
    const row = objectRow(value, line, this.log, text);
    if (row) this.rows.push(row);
  }

  /** A value that takes up part of a line, or several lines. */
  private addPiece(raw: RawRow): void {
    const text = decodeRow(raw, this.log);
    const parsed = text === null ? null : parsedText(text, raw, this.log);
    if (parsed) this.add(parsed.value, raw.line, text!);
  }

  /** Handles a line that is not one JSON value: several values, the start of one, or broken. */
  private pushIrregular(line: RawRow & { bytes: Uint8Array }, text: string): void {
    const { bytes } = line;
    const pieces: RawRow[] = [];
    let at = spaceEnd(bytes, 0);
    const indent = at;
    while (at < bytes.length && bytes[at] === OPEN_OBJECT) {
      const scanner = new JsonScanner();
      const scan = scanner.scan(bytes, at);
      const offset = line.offset + at;
      if (scan === 'more' && !scanner.inString) {
        for (const piece of pieces) this.addPiece(piece);
        const first = { ...line, offset, bytes: bytes.subarray(at) };
        this.open = { lines: [first], bytes: first.bytes.length, scanner, indent };
        return;
      }
      const piece = { ...line, offset, bytes: bytes.subarray(at, scanner.at) };
      if (scan !== 'done' || !isJson(piece.bytes)) break;
      pieces.push(piece);
      at = spaceEnd(bytes, scanner.at);
    }
    if (at < bytes.length || pieces.length === 0) parsedText(text, line, this.log);
    else for (const piece of pieces) this.addPiece(piece);
  }

  private pushToOpen(open: Open, line: RawRow): void {
    const { bytes } = line;
    const { scanner } = open;
    const scan = bytes === null ? 'failed' : scanner.scan(bytes, 0);
    open.lines.push(line);
    open.bytes += (bytes?.length ?? 0) + 1;
    if (bytes === null || scan === 'failed' || scanner.inString || open.bytes > MAX_ROW_BYTES) {
      return this.fail(open);
    }
    if (scan === 'more') return;
    const rest = spaceEnd(bytes, scanner.at);
    if (rest < bytes.length && bytes[rest] !== OPEN_OBJECT) return this.fail(open);
    this.open = null;
    this.addPiece(joined([...open.lines.slice(0, -1), { ...line, bytes: bytes.subarray(0, scanner.at) }]));
    if (rest < bytes.length) this.push({ ...line, offset: line.offset + rest, bytes: bytes.subarray(rest) });
  }

  /**
   * Handles an open object that is broken in its last line, or by the end of the file. Lines inside it that are rows
   * themselves are read: those that are complete objects or lists, and the last one if it starts like an object.
   * Otherwise all lines up to the next one that starts like an object belong to the broken one.
   */
  private fail({ lines, bytes, indent }: Open): void {
    this.open = null;
    const last = lines.length - 1;
    const resumes = (line: RawRow, at: number) =>
      at > 0 && (begins(line, indent) ? at === last || isJson(line.bytes!) : isList(line, indent));
    let next = lines.findIndex(resumes);
    if (next < 0) next = lines.length;
    const broken = joined(lines.slice(0, next));
    if (bytes > MAX_ROW_BYTES) broken.bytes = null;
    const text = decodeRow(broken, this.log);
    if (text !== null && next > 1) {
      this.log.add(broken.line, 'data.json_broken_object', { at: lines[last]!.line }, { text });
    } else if (text !== null) parsedText(text, broken, this.log);
    if (next > last && last > 0) this.skipped = indent;
    for (const line of lines.slice(next)) this.push(line);
  }
}

function isJson(bytes: Uint8Array): boolean {
  try {
    parseJson(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Whether a line starts with an object, indented by at most `indent` bytes. */
function begins({ bytes }: RawRow, indent: number): boolean {
  if (bytes === null) return false;
  const at = spaceEnd(bytes, 0);
  return at <= indent && bytes[at] === OPEN_OBJECT;
}

/** Whether a line is a complete list: not a row, but still one line of a file of rows. */
function isList({ bytes }: RawRow, indent: number): boolean {
  if (bytes === null) return false;
  const at = spaceEnd(bytes, 0);
  return at <= indent && bytes[at] === 0x5b && isJson(bytes);
}

function joined(lines: readonly RawRow[]): RawRow {
  const size = lines.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0) + 1, -1);
  const bytes = new Uint8Array(Math.max(0, size)).fill(0x0a);
  let at = 0;
  for (const line of lines) {
    if (line.bytes) bytes.set(line.bytes, at);
    at += (line.bytes?.length ?? 0) + 1;
  }
  return { line: lines[0]!.line, offset: lines[0]!.offset, bytes };
}

/** Index of the first byte from `at` that is not whitespace. */
function spaceEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] === 0x20 || bytes[end] === 0x09) end++;
  return end;
}
