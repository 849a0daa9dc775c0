import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from './cli.ts';
import { readSection, writeSection, type Markers } from './docSection.ts';

const document = join(scratchFolder(), 'doc.md');
const markers: Markers = ['<!-- figures -->', '<!-- /figures -->'];

it('replaces what is between the markers, and nothing else', () => {
  writeFileSync(document, 'before\n\n<!-- figures -->\n\nold\n\n<!-- /figures -->\n\nafter\n');
  expect(readSection(document, markers).trim()).toBe('old');
  writeSection(document, markers, 'new\n');
  writeSection(document, markers, 'newer');
  expect(readFileSync(document, 'utf8')).toBe(
    'before\n\n<!-- figures -->\n\nnewer\n\n<!-- /figures -->\n\nafter\n',
  );
});

it('is at the end of a document that has none yet', () => {
  writeFileSync(document, 'text\n');
  expect(readSection(document, markers)).toBe('');
  writeSection(document, markers, 'new');
  expect(readFileSync(document, 'utf8')).toBe('text\n\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\n');
});
