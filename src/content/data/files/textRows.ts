import { decodeRow, type ParseLog } from './jsonRow.ts';
import type { Line } from './lines.ts';
import type { Row } from './row.ts';

/**
 * Rows `{text}` of a plain text file: paragraphs if blank lines separate them (line breaks inside become LF), otherwise
 * one row per line. A line with a problem ends the paragraph. Call `push` with each line; `rows` returns all rows.
 */
export class TextRows {
  private readonly paragraphs: { line: number; lines: string[] }[] = [];
  private open = false;
  private parted = false;

  constructor(private readonly log: ParseLog) {}

  push(line: Line): void {
    const text = this.textOf(line);
    if (text === null || text.trim() === '') {
      this.open = false;
      return;
    }
    if (this.open) this.paragraphs.at(-1)?.lines.push(text);
    else {
      this.parted ||= this.paragraphs.length > 0;
      this.paragraphs.push({ line: line.line, lines: [text] });
    }
    this.open = true;
  }

  rows(): Row[] {
    const { paragraphs } = this;
    if (this.parted) return paragraphs.map(({ line, lines }) => row(line, lines.join('\n')));
    return paragraphs.flatMap((paragraph) => paragraph.lines.map((text, i) => row(paragraph.line + i, text)));
  }

  private textOf(line: Line): string | null {
    const text = decodeRow(line, this.log);
    if (!text?.includes('\0')) return text;
    this.log.add(line.line, 'data.nul_bytes');
    return null;
  }
}

function row(line: number, text: string): Row {
  return { line, value: { text } };
}
