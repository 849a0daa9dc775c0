import { decodeRow, type ParseLog } from './jsonRow.ts';
import { MAX_ROW_BYTES, type Line } from './lines.ts';

/** One record of a table: its cells, and the line where it starts. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** The state of the parser within a cell. */
type State = 'start' | 'plain' | 'quoted' | 'afterQuote';

/**
 * Splits lines into records as Python's `csv.reader` does with its default dialect (and another delimiter): a cell is
 * quoted if it starts with a quote, and quotes inside it are doubled; quotes elsewhere are text, and text after a
 * closing quote is appended to its cell. Line endings inside quotes are preserved; outside quotes LF, CR LF and CR end
 * a record. Blank lines are skipped. An unclosed quote is a problem, as in pandas.
 */
export class CsvRecords {
  private cells: string[] = [];
  private cell = '';
  private state: State = 'start';
  /** Line where the record starts; 0 between records. */
  private line = 0;
  private size = 0;
  /** The record's text has a problem, already in the log: it is dropped. */
  private bad = false;

  constructor(
    private readonly delimiter: string,
    private readonly log: ParseLog,
    private readonly take: (record: CsvRecord) => void,
  ) {}

  push(line: Line): void {
    const text = this.textOf(line);
    if (text === null) return;
    if (this.line === 0) {
      if (isBlank(text, this.delimiter)) {
        this.bad = false;
        return;
      }
      this.line = line.line;
      if (!this.bad && !text.includes('"')) {
        this.cells = text.split(this.delimiter);
        return this.finish();
      }
    }
    this.read(text);
    if (this.state !== 'quoted') {
      this.cells.push(this.cell);
      this.finish();
      return;
    }
    this.cell += line.end;
    this.size += text.length + 2;
    if (this.size > MAX_ROW_BYTES) {
      this.log.add(this.line, 'data.line_too_long', { limit: MAX_ROW_BYTES / 2 ** 20 });
      this.reset();
    }
  }

  /** Ends the file. */
  end(): void {
    if (this.state === 'quoted' && !this.bad) this.log.add(this.line, 'data.csv_unclosed');
    this.reset();
  }

  /**
   * The text of a line; if it has a problem, a stand-in that still shows where its cells end. Null for a line too long
   * to hold.
   */
  private textOf(line: Line): string | null {
    const text = decodeRow(line, this.log);
    if (text?.includes('\0')) {
      this.log.add(line.line, 'data.nul_bytes');
      this.bad = true;
    }
    if (text !== null) return text;
    this.bad = true;
    if (line.bytes !== null) return new TextDecoder().decode(line.bytes);
    this.reset();
    return null;
  }

  private read(text: string): void {
    const { delimiter } = this;
    let at = 0;
    if (this.state !== 'quoted') this.state = 'start';
    while (at < text.length) {
      if (this.state === 'quoted') {
        const end = text.indexOf('"', at);
        this.cell += text.slice(at, end < 0 ? undefined : end);
        if (end < 0) return;
        this.state = 'afterQuote';
        at = end + 1;
      } else if (this.state === 'start' && text[at] === '"') {
        this.state = 'quoted';
        at++;
      } else if (this.state === 'afterQuote' && text[at] === '"') {
        this.cell += '"';
        this.state = 'quoted';
        at++;
      } else {
        const end = text.indexOf(delimiter, at);
        this.cell += text.slice(at, end < 0 ? undefined : end);
        this.state = 'plain';
        if (end < 0) return;
        this.cells.push(this.cell);
        this.cell = '';
        this.state = 'start';
        at = end + 1;
      }
    }
  }

  private finish(): void {
    const { line, cells, bad } = this;
    this.reset();
    if (!bad) this.take({ line, cells });
  }

  private reset(): void {
    this.cells = [];
    this.cell = '';
    this.state = 'start';
    this.line = this.size = 0;
    this.bad = false;
  }
}

/** A record of whitespace only, which pandas skips; tabs between empty cells still make a record. */
function isBlank(text: string, delimiter: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const sign = text[i];
    if ((sign !== ' ' && sign !== '\t') || sign === delimiter) return false;
  }
  return true;
}
