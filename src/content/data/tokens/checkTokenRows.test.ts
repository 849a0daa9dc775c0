import { expect, it } from 'vitest';
import { randomRows, weighted } from '../../../testing/passes.ts';
import { largestToken, wrongPart } from './checkTokenRows.ts';
import { tokenRowsOf, type TokenRows } from './tokenRows.ts';

const rows = randomRows([5, 3, 7]);
const pairs = { kind: 'pairs', values: Uint32Array.of(5, 0, 3) } as const;

it.each<[string, Partial<TokenRows>, string | null]>([
  ['as they are written', {}, null],
  ['with weights', weighted(rows), null],
  ['of pairs', { preference: pairs }, null],
  ['of answers', { preference: { kind: 'labels', values: Uint32Array.of(1, 0, 1) } }, null],
  ['with references', { references: ['1', '2', '3'] }, null],
  ['without offsets', { offsets: new Uint32Array(0) }, 'offsets'],
  ['that begin later', { offsets: Uint32Array.of(1, 5, 8, 15) }, 'offsets'],
  ['that go back', { offsets: Uint32Array.of(0, 8, 5, 15) }, 'offsets'],
  ['that end beyond the tokens', { offsets: Uint32Array.of(0, 5, 8, 4e9) }, 'offsets'],
  ['that end before them', { offsets: Uint32Array.of(0, 5, 8) }, 'offsets'],
  ['with a token below 0', { ids: rows.ids.map((id, i) => (i === 9 ? -1 : id)) }, 'ids'],
  ['with fewer labels', { labels: rows.labels.subarray(1) }, 'labels'],
  ['with fewer weights', { weights: new Float32Array(3) }, 'weights'],
  ['with a weight below 0', { weights: new Float32Array(15).fill(-1) }, 'weights'],
  ['with a weight that is no number', { weights: new Float32Array(15).fill(Number.NaN) }, 'weights'],
  ['with fewer marks', { preference: { ...pairs, values: Uint32Array.of(5) } }, 'preference'],
  ['of pairs that begin beyond', { preference: { ...pairs, values: Uint32Array.of(6, 0, 3) } }, 'preference'],
  [
    'of answers that are 2',
    { preference: { kind: 'labels', values: Uint32Array.of(1, 2, 1) } },
    'preference',
  ],
  ['with fewer references', { references: ['1'] }, 'references'],
])('rows %s: %s', (_, change, part) => {
  expect(wrongPart({ ...rows, ...change })).toBe(part);
});

it('no rows are rows', () => {
  expect(wrongPart(tokenRowsOf([]))).toBeNull();
  expect(largestToken(tokenRowsOf([]))).toBe(-1);
});

it('the largest token may be a label', () => {
  const labels = rows.labels.map((label, i) => (i === 3 ? 1_000_000 : label));
  expect(largestToken({ ...rows, labels })).toBe(1_000_000);
});
