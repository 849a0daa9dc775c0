import type { RowFinding } from '../../../content/data/dataset/dataset.ts';
import { findingTexts } from '../../../base/lib/findingTexts.ts';

/** Lines of a finding that are listed. */
const LISTED_LINES = 8;

const severities: Record<RowFinding['severity'], string> = {
  error: 'Error',
  warning: 'Warning',
  hint: 'Hint',
};

/** A finding in a line: what, on which lines, and what it means. */
export function findingLine({ code, severity, rows: found, params }: RowFinding): string {
  const what = findingTexts[`lint.${code}`];
  const text = typeof what === 'string' ? what : found.length === 1 ? what.one : what.other;
  const lines = found.slice(0, LISTED_LINES).map(({ line }) => line);
  const more = found.length > LISTED_LINES ? ', …' : '';
  // What is about the model names no rows.
  const where =
    found.length === 0 ? '' : ` (${found.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}${more})`;
  const all = { n: found.length, ...params };
  return `${severities[severity]}: ${fill(text, all)}${where}. ${fill(findingTexts[`lint.${code}.why`], all)}`;
}

function fill(text: string, params: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (hole, key: string) => String(params[key] ?? hole));
}
