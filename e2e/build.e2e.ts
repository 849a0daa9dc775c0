import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, inject, it } from 'vitest';
import { headersFile, headersFor, pagePolicy } from '../src/base/lib/securityHeaders.ts';

const dist = inject('studioFolder');
const page = readFileSync(join(dist, 'index.html'), 'utf8');
const assets = readdirSync(join(dist, 'assets'));
const compressed = (file: string) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;

/** The only script of that name, by its path in the built page. */
function script(name: string): string {
  const found = assets.filter((file) => file.startsWith(`${name}-`) && file.endsWith('.js'));
  expect(found).toHaveLength(1);
  return `assets/${found[0]}`;
}

describe('the built page', () => {
  it('loads less than 400 KB of compressed JavaScript before the engine starts', () => {
    const scripts = [...page.matchAll(/<(?:script|link)[^>]*(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)];
    expect(scripts.length).toBeGreaterThan(0);
    const bytes = scripts.reduce((sum, [, file = '']) => sum + compressed(file), 0);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(400_000);
  });

  it('has an engine of less than 350 KB, compressed', () => {
    expect(compressed(script('engine.worker'))).toBeLessThan(350_000);
  });

  it('has no inline script or handler, and contacts no other host', () => {
    const scripts = [...page.matchAll(/<script\b([^>]*)>([^]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes, content] of scripts) {
      expect(attributes).toMatch(/\bsrc="\.\//);
      expect(content).toBe('');
    }
    expect(page).not.toMatch(/\son\w+=/);
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  it('has the same policy in its head, in headers, and in files for hosts', async () => {
    const meta = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1];
    expect(meta?.replaceAll('&#39;', "'")).toBe(pagePolicy);
    for (const path of ['/', '/index.html', `/${script('hub.worker')}`, `/${script('text.worker')}`]) {
      const { headers } = await fetch(new URL(path.slice(1), inject('studioUrl')));
      expect(Object.fromEntries(headers)).toMatchObject(
        Object.fromEntries(
          Object.entries(headersFor(path)).map(([name, value]) => [name.toLowerCase(), value]),
        ),
      );
    }
    expect(readFileSync(join(dist, '_headers'), 'utf8')).toBe(headersFile());
    expect(readFileSync(join(dist, 'sw.js'), 'utf8')).toContain("default-src 'self'");
  });

  it('comes with the licence of every package that is in it', () => {
    const licenses = readFileSync(join(dist, 'THIRD_PARTY_LICENSES.txt'), 'utf8');
    const bundled = new Set<string>();
    // Source maps say what is in a script, whatever the plugin believes.
    for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.js.map')) continue;
      const { sources } = JSON.parse(readFileSync(join(dist, file), 'utf8')) as { sources: string[] };
      for (const source of sources) {
        const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source) ?? [];
        if (name !== undefined) bundled.add(name);
      }
    }
    expect(bundled.size).toBeGreaterThan(10);
    for (const name of bundled) expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+`, 'm'));
    expect(licenses).toContain('react-dom');
    expect(licenses).toContain('Copyright (c) Meta Platforms, Inc. and affiliates.');
  });

  it('caches all its files for offline visits, but for the engine of exported chat pages', () => {
    const worker = readFileSync(join(dist, 'sw.js'), 'utf8');
    const isCached = (file: string) => worker.includes(`"${file}":`);
    const missing = assets.filter((name) => !name.endsWith('.map') && !isCached(`assets/${name}`));
    expect(missing.map((name) => name.replace(/-[\w-]{8}(?=\.\w+$)/, '')).sort()).toEqual([
      'index.min.js',
      'wllama.wasm',
    ]);
    expect(isCached('./')).toBe(true);
    expect(worker).not.toContain('.map"');
  });
});
