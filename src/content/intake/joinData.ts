import type { ByteSource } from '../../base/storage/types.ts';
import { toJsonText } from '../data/files/exactJson.ts';
import { parseDataset, type ParsedDataset } from '../data/files/parse.ts';
import { detectFormat, type DataFormat } from '../data/rows/formats.ts';
import { readableSource } from './unpack/readable.ts';

/** What a data file among several holds. */
export interface DataPart {
  name: string;
  rows: number;
  /** Rows that cannot be used. */
  problems: number;
  /** Null where the columns have to be chosen. */
  format: DataFormat | null;
  /** The fields of its rows, in order. */
  fields: string[];
}

/** Reads a data file to say what it holds. Throws as `parseDataset` and `readableSource` do. */
export async function describePart(source: ByteSource): Promise<DataPart> {
  const parsed = await parseDataset(await readableSource(source));
  const fields = new Set<string>();
  for (const { value } of parsed.rows) for (const name of Object.keys(value)) fields.add(name);
  return {
    name: source.name,
    rows: parsed.rows.length,
    problems: parsed.problemCount,
    format: formatOf(parsed),
    fields: [...fields],
  };
}

function formatOf({ rows, name }: ParsedDataset): DataFormat | null {
  try {
    return detectFormat(rows, name);
  } catch {
    return null;
  }
}

const sorted = (fields: readonly string[]): string => JSON.stringify([...fields].sort());

/** Whether files are one data set in parts: the same format, or the same fields. */
export function canJoin([first, ...others]: readonly DataPart[]): boolean {
  if (!first || others.length === 0) return false;
  return others.every(({ format, fields }) =>
    format !== null || first.format !== null
      ? format === first.format
      : sorted(fields) === sorted(first.fields),
  );
}

/**
 * The rows of several files in order, as JSONL. Broken rows whose text is known stay as they are, so that they are
 * reported and can be repaired; others were counted by `describePart`. Throws as `describePart` does.
 */
export async function* joinedRows(sources: readonly ByteSource[]): AsyncGenerator<string> {
  for (const source of sources) {
    const { rows, problems } = await parseDataset(await readableSource(source));
    const lines = [
      ...rows.map(({ line, value }) => ({ line, text: toJsonText(value) })),
      ...problems.flatMap(({ line, text }) =>
        text === undefined ? [] : [{ line, text: text.replace(/\s*[\r\n]+\s*/g, ' ') }],
      ),
    ].sort((a, b) => a.line - b.line);
    for (const { text } of lines) yield `${text}\n`;
  }
}
