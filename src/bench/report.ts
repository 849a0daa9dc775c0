import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/** Puts a section into docs/benchmarks.md in place of the one of the same name, between two marks. */
export function writeSection(name: string, markdown: string): void {
  const [begin, end] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const text = readFileSync(file, 'utf8');
  const [from, until] = [text.indexOf(begin), text.indexOf(end)];
  const section = `${begin}\n\n${markdown.trim()}\n\n${end}`;
  const changed =
    from < 0 || until < from
      ? `${text.trimEnd()}\n\n${section}\n`
      : text.slice(0, from) + section + text.slice(until + end.length);
  writeFileSync(file, changed);
}

/** A Markdown table, its columns aligned as Prettier aligns them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Bytes as millions with one decimal. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
