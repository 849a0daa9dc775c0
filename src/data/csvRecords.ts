import { decodeRow, type ParseLog } from './jsonRow.ts';
import { MAX_ROW_BYTES, type Line } from './lines.ts';

/** One record of a table: its cells, and the line where it starts. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** Where a cell's text continues. */
type State = 'start' | 'plain' | 'quoted' | 'afterQuote';

/**
 * Splits lines into records as Python's `csv.reader` does with its default dialect (and another delimiter): a cell is
 * quoted where it begins with a quote, which is written twice inside; quotes elsewhere are text, and text after a closing
 * quote is added to its cell. Line ends in quotes stay as they are; outside of them LF, CR LF and CR end a record. Blank
 * lines are nothing. A quote that is never closed is a problem, as in pandas.
 */
export class CsvRecords {
  private cells: string[] = [];
  private cell = '';
  private state: State = 'start';
  /** Line where the record starts; 0 between records. */
  private line = 0;
  private size = 0;
  /** Its text has a problem, which is in the log: it is no record. */
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

  /** The file ends here. */
  end(): void {
    if (this.state === 'quoted' && !this.bad) this.log.add(this.line, 'data.csv_unclosed');
    this.reset();
  }

  /** Text of a line; where it has a problem, what still tells where its cells end. Null for one too long to be held. */
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

/** Nothing but white space, as pandas skips it; tabs between empty cells are a record. */
function isBlank(text: string, delimiter: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const sign = text[i];
    if ((sign !== ' ' && sign !== '\t') || sign === delimiter) return false;
  }
  return true;
}
