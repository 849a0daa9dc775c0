import { parseJson } from './exactJson.ts';
import { decodeRow, objectRow, parsedText, type ParseLog } from './jsonRow.ts';
import { JsonScanner } from './jsonScanner.ts';
import { MAX_ROW_BYTES, type RawRow } from './lines.ts';
import type { Row } from './row.ts';

/** An object that spans lines and is not closed yet. */
interface Open {
  /** From its first line, which begins with the object, on. */
  lines: RawRow[];
  bytes: number;
  scanner: JsonScanner;
  /** White space before it in its line, in bytes. */
  indent: number;
}

const OPEN_OBJECT = 0x7b;

/**
 * Rows of a file of JSON objects one after another: usually one a line, but also printed over several lines, or several
 * on a line. A line that is no JSON is a problem of that line and spoils no other. Lines are pushed in their order.
 */
export class JsonLines {
  private open: Open | null = null;
  /** Indentation of the broken object that the lines still belong to; null where there is none. */
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
    // Files that were joined have a BOM at the beginning of each.
    const text = decodeRow(line, this.log)?.replace(/^\ufeff/, '') ?? null;
    if (text === null || bytes === null || text.trim() === '') return;
    const parsed = parsedText(text, line, this.log, () => this.pushOdd({ ...line, bytes }, text));
    if (parsed) this.add(parsed.value, line.line, text);
  }

  /** The file ends here. */
  end(): void {
    while (this.open) this.fail(this.open);
  }

  private add(value: unknown, line: number, text: string): void {
    const row = objectRow(value, line, this.log, text);
    if (row) this.rows.push(row);
  }

  /** A value that is part of a line, or of several. */
  private addPiece(raw: RawRow): void {
    const text = decodeRow(raw, this.log);
    const parsed = text === null ? null : parsedText(text, raw, this.log);
    if (parsed) this.add(parsed.value, raw.line, text!);
  }

  /** A line that is not one JSON value: several, the beginning of one, or broken. */
  private pushOdd(line: RawRow & { bytes: Uint8Array }, text: string): void {
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
   * The open object is broken in its last line, or the file ends in it. What may be rows of their own among its lines is
   * read: those that are whole objects or lists, and the last one where it begins as an object does. Where there is none, all
   * lines up to the next one that begins so belong to the broken object.
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

/** Whether a line begins with an object, with at most so much white space before it. */
function begins({ bytes }: RawRow, indent: number): boolean {
  if (bytes === null) return false;
  const at = spaceEnd(bytes, 0);
  return at <= indent && bytes[at] === OPEN_OBJECT;
}

/** Whether a line is a list by itself: no row, but a line of its own in a file of rows. */
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

/** Index of the first byte from `at` on that is no white space. */
function spaceEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] === 0x20 || bytes[end] === 0x09) end++;
  return end;
}
