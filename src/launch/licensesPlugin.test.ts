import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { licensesText, packageFolder } from './licensesPlugin.ts';

const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

test('modules belong to the package they are in, and the project’s own to none', () => {
  const folder = (path: string) => packageFolder(`${root}/${path}`)?.slice(root.length + 1);
  expect(folder('node_modules/react/index.js')).toBe('node_modules/react');
  expect(folder('node_modules/@huggingface/hub/dist/index.mjs?v=1')).toBe('node_modules/@huggingface/hub');
  expect(packageFolder(`\0${root}/node_modules/react/index.js?commonjs-es-import`)).toContain(
    'node_modules/react',
  );
  expect(folder('src/launch/licensesPlugin.ts')).toBeUndefined();
  expect(packageFolder('\0vite/preload-helper.js')).toBeNull();
  expect(folder('node_modules/no-such-package/index.js')).toBeUndefined();
});

test('each licence is written once, under all packages that have it', () => {
  const one = { version: '1.0.0', license: 'MIT', texts: ['The text.'], origin: '' };
  const text = licensesText([
    { ...one, name: 'b' },
    { ...one, name: 'a' },
    { ...one, name: 'a' },
    { ...one, name: 'c', texts: [], origin: 'Ada, https://example.com/c' },
  ]);
  expect(text).toContain('a 1.0.0 (MIT)\nb 1.0.0 (MIT)\n\nThe text.\n');
  expect(text.match(/The text\./g)).toHaveLength(1);
  expect(text).toContain('c 1.0.0 (MIT)\n\nCopyright: Ada, https://example.com/c. Licensed under MIT');
});
