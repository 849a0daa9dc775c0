import { expect, test } from 'vitest';
import { parseByteSize } from './byteSize.ts';

test.each([
  ['8GB', 8e9],
  ['6GiB', 6 * 2 ** 30],
  ['300 kb', 3e5],
  [' 1.5 gb ', 1.5e9],
  ['2TB', 2e12],
  ['1000', 1000],
  ['0', 0],
  ['0.5', 0],
])('%s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.each(['', 'GB', '-1MB', '1e9', '5 G B', '5G', '99999999999TB'])('%s is no size', (text) => {
  expect(parseByteSize(text)).toBeNull();
});
