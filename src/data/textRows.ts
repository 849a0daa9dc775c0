import type { RawRow } from './jsonLines.ts';
import type { Row } from './row.ts';

/**
 * Rows `{text}` of a plain text file: paragraphs when blank lines part it (line breaks inside are kept), otherwise
 * one row a line. `decode` gives a line's text, or null when the line has a problem, which ends the paragraph.
 */
export async function textRows(
  lines: AsyncIterable<RawRow>,
  decode: (raw: RawRow) => string | null,
): Promise<Row[]> {
  const paragraphs: { line: number; lines: string[] }[] = [];
  let open = false;
  let parted = false;
  for await (const raw of lines) {
    const text = decode(raw);
    if (text === null || text.trim() === '') {
      open = false;
      continue;
    }
    if (open) paragraphs.at(-1)?.lines.push(text);
    else {
      parted ||= paragraphs.length > 0;
      paragraphs.push({ line: raw.line, lines: [text] });
    }
    open = true;
  }
  if (parted) return paragraphs.map(({ line, lines }) => row(line, lines.join('\n')));
  return paragraphs.flatMap((paragraph) => paragraph.lines.map((text, i) => row(paragraph.line + i, text)));
}

function row(line: number, text: string): Row {
  return { line, value: { text } };
}
