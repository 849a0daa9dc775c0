import { readFileSync, writeFileSync } from 'node:fs';

/** The comments before and after a section of a document that a program writes. */
export type Markers = readonly [begin: string, end: string];

/** The section's text; empty where the document has none. */
export function readSection(document: string, markers: Markers): string {
  const text = readFileSync(document, 'utf8');
  const found = placeOf(text, markers);
  return found ? text.slice(found.from, found.until) : '';
}

/** Replaces the section's text; a document without the section gets it at its end. */
export function writeSection(document: string, markers: Markers, markdown: string): void {
  const text = readFileSync(document, 'utf8');
  const found = placeOf(text, markers);
  const body = `\n\n${markdown.trim()}\n\n`;
  const changed = found
    ? text.slice(0, found.from) + body + text.slice(found.until)
    : `${text.trimEnd()}\n\n${markers[0]}${body}${markers[1]}\n`;
  writeFileSync(document, changed);
}

function placeOf(text: string, [begin, end]: Markers): { from: number; until: number } | null {
  const at = text.indexOf(begin);
  const until = text.indexOf(end);
  return at < 0 || until < at ? null : { from: at + begin.length, until };
}
