import { expect, test } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { crashDetails } from './crashDetails.ts';

test('reports the kind of error and its stack, and nothing the user wrote', () => {
  const error = new TypeError('cannot read "my secret row" of \'private.jsonl');
  error.stack = [
    'TypeError: cannot read "my secret row" of \'private.jsonl',
    'at home I keep my secret',
    '    at drawRow (https://example.org/me/assets/index-abc.js:3:120)',
    '    at https://example.org/me/assets/index-abc.js:9:1',
    'drawStep@https://example.org/me/assets/index-abc.js:7:2',
  ].join('\n');
  const details = crashDetails(
    error,
    '\n    at DataStep (https://example.org/me/assets/index-abc.js:5:6)',
    'A browser',
  );
  expect(details.split('\n')).toEqual([
    'Graft: TypeError: cannot read … of …',
    '  at drawRow index-abc.js:3:120',
    '  at index-abc.js:9:1',
    '  at drawStep index-abc.js:7:2',
    'Drawn by:',
    '  at DataStep index-abc.js:5:6',
    'A browser',
  ]);
});

test('of an error that names a file, only its code', () => {
  const details = crashDetails(new GraftError('data.empty_file', { file: 'diary.jsonl' }), null, '');
  expect(details).toContain('GraftError: data.empty_file');
  expect(details).not.toContain('diary');
});

test('for values that are not errors, their type', () => {
  expect(crashDetails('my secret', undefined, '')).toBe('Graft: string\n');
});
