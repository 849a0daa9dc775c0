import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { headersFile, headersFor, pagePolicy } from '../base/lib/securityHeaders.ts';

const guide = readFileSync(new URL('../../docs/hosting.md', import.meta.url), 'utf8');
const block = (language: string) =>
  new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(guide)?.[1] ?? expect.fail(`no ${language} sample`);
const workers = ['hub.worker', 'text.worker'];
const policyOf = (worker: string) => headersFor(`/assets/${worker}-abc.js`)['Content-Security-Policy']!;

interface VercelRule {
  source: string;
  headers: { key: string; value: string }[];
}

test('the samples for hosts have the same headers as the source', () => {
  const { headers: rules } = JSON.parse(block('json')) as { headers: VercelRule[] };
  const byPath = Object.fromEntries(
    rules.map(({ source, headers }) => [
      source,
      Object.fromEntries(headers.map(({ key, value }) => [key, value])),
    ]),
  );
  expect(byPath).toEqual({
    '/(.*)': headersFor('/'),
    ...Object.fromEntries(
      workers.map((name) => [`/assets/${name}-(.*)`, { 'Content-Security-Policy': policyOf(name) }]),
    ),
  });

  const nginx = block('nginx');
  for (const [name, value] of Object.entries(headersFor('/'))) {
    if (name !== 'Content-Security-Policy') expect(nginx).toContain(`add_header ${name} "${value}" always;`);
  }
  expect(nginx).toContain(`default "${headersFor('/')['Content-Security-Policy']}";`);
  for (const name of workers) expect(nginx).toContain(`"${policyOf(name)}";`);
});

test('only the worker that fetches from a Hub may contact other hosts, and workers that run untrusted programs none', () => {
  const connect = (policy: string) => /connect-src ([^;]*)/.exec(policy)?.[1];
  expect(connect(pagePolicy)).toBe("'self' https://huggingface.co");
  expect(connect(headersFor('/assets/engine.worker-abc.js')['Content-Security-Policy']!)).toBe(
    connect(pagePolicy),
  );
  expect(connect(policyOf('hub.worker'))).toMatch(/^'self' https: /);
  expect(connect(policyOf('text.worker'))).toBe("'none'");
  expect(pagePolicy).toMatch(/script-src 'self' 'wasm-unsafe-eval' 'sha256-[^ ]+';/);
  for (const name of workers)
    expect(policyOf(name)).toMatch(/script-src 'self' 'wasm-unsafe-eval'; worker-src 'self';/);
});

test('no page may show the studio in a frame, where headers can say so', () => {
  for (const path of ['/', '/index.html', '/sw.js', ...workers.map((name) => `/assets/${name}-abc.js`)])
    expect(headersFor(path)['Content-Security-Policy']).toMatch(/; frame-ancestors 'none'$/);
  expect(headersFile().match(/Content-Security-Policy: .*; frame-ancestors 'none'$/gm)).toHaveLength(3);
  // Browsers ignore it in a meta tag, with a warning.
  expect(pagePolicy).not.toContain('frame-ancestors');
});

test('a host that reads _headers sends one policy per file', () => {
  // Rules accumulate there: a file's own policy must remove the general one.
  for (const name of workers)
    expect(headersFile()).toContain(
      `/assets/${name}-*\n  ! Content-Security-Policy\n  Content-Security-Policy: `,
    );
});
