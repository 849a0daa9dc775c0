import { fileURLToPath } from 'node:url';
import { writeSection as writeDocSection } from '../../testing/docSection.ts';

const file = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url));

/** Replaces the section of this name in docs/benchmarks.md, between two markers. */
export function writeSection(name: string, markdown: string): void {
  writeDocSection(file, [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`], markdown);
}

/** Bytes in millions with one decimal. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
