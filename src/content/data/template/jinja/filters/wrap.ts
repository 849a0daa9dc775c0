import { spendCharacters, spendItems, spendSteps } from '../budget.ts';
import { valueError } from '../errors.ts';
import { splitLines } from '../split.ts';
import { characters, isSpace, join, lengthOf } from '../text.ts';

interface Wrapping {
  width: number;
  breakLong: boolean;
  hyphens: boolean;
  /** Separator between the lines. */
  mark: string;
}

/** textwrap.wrap for each line of `text`, leaving tabs and other whitespace unchanged. */
export function wrapText(text: string, wrapping: Wrapping): string {
  // A pattern looks at each character from several sides.
  spendSteps(4 * text.length);
  const lines = splitLines(text).map((line) => wrapLine(line, wrapping));
  const marks = lines.reduce((sum, wrapped) => sum + Math.max(1, wrapped.length), 0);
  spendCharacters(text.length + marks * wrapping.mark.length);
  return lines.map((wrapped) => wrapped.join(wrapping.mark)).join(wrapping.mark);
}

const BLANK = '[\\t\\n\\v\\f\\r ]';
const SOLID = '[^\\t\\n\\v\\f\\r ]';
const LETTER = '[\\p{L}\\p{Nl}\\p{No}_]';
const WORD = '[\\p{L}\\p{N}_]';
const MARK = `[\\p{L}\\p{N}_!"'&.,?]`;

/** Break opportunities: around whitespace, after hyphens between letters, and around dashes. */
const BREAKS = new RegExp(
  `(${BLANK}+|(?<=${MARK})-{2,}(?=${WORD})|${SOLID}+?(?:-(?:(?<=${LETTER}{2}-)|(?<=${LETTER}-${LETTER}-))(?=${LETTER}-?${LETTER})|(?=${BLANK}|$)|(?<=${MARK})(?=-{2,}${WORD})))`,
  'u',
);
const SPACES = new RegExp(`(${BLANK}+)`);

function wrapLine(line: string, { width, breakLong, hyphens }: Wrapping): string[] {
  if (width <= 0) throw valueError(`invalid width ${width} (must be > 0)`);
  const chunks = line.split(hyphens ? BREAKS : SPACES).filter((chunk) => chunk !== undefined && chunk !== '');
  chunks.reverse();
  const lines: string[] = [];
  const blank = (chunk: string | undefined) => chunk !== undefined && [...chunk].every(isSpace);
  while (chunks.length > 0) {
    spendItems(1);
    const current: string[] = [];
    let length = 0;
    // Whitespace at the start of a line is dropped, except on the first.
    if (lines.length > 0 && blank(chunks.at(-1))) chunks.pop();
    for (
      let chunk = chunks.at(-1);
      chunk !== undefined && length + lengthOf(chunk) <= width;
      chunk = chunks.at(-1)
    ) {
      current.push(chunk);
      length += lengthOf(chunk);
      chunks.pop();
    }
    const next = chunks.at(-1);
    if (next !== undefined && lengthOf(next) > width) {
      length = breakLongWord(chunks, current, length, width, { breakLong, hyphens });
    }
    if (blank(current.at(-1))) current.pop();
    if (current.length > 0) lines.push(current.join(''));
  }
  return lines;
}

/** A word wider than a line: as much as fits, or all of it on its own line. */
function breakLongWord(
  chunks: string[],
  current: string[],
  length: number,
  width: number,
  { breakLong, hyphens }: { breakLong: boolean; hyphens: boolean },
): number {
  const chunk = chunks.at(-1) ?? '';
  const all = characters(chunk);
  if (breakLong) {
    let end = width - length;
    if (hyphens && all.length > end) {
      const start = join(all.slice(0, end) as string | string[]);
      const at = lengthOf(start.slice(0, start.lastIndexOf('-') + 1)) - 1;
      if (at > 0 && /[^-]/.test(start.slice(0, start.lastIndexOf('-')))) end = at + 1;
    }
    current.push(join(all.slice(0, end) as string | string[]));
    chunks[chunks.length - 1] = join(all.slice(end) as string | string[]);
    return length + end;
  }
  if (current.length === 0) {
    current.push(chunk);
    chunks.pop();
  }
  return length;
}
