import { beforeEach, expect, it, vi } from 'vitest';
import { forgetMerge, interruptedMerge, noteMerge } from './interruptedMerge.ts';

const merge = { folder: 'out', run: { id: 'r1', step: 60 } };
let storage: Map<string, string>;
let held: Set<string>;

beforeEach(() => {
  storage = new Map();
  held = new Set();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
    removeItem: (key: string) => storage.delete(key),
  });
  vi.stubGlobal('navigator', {
    locks: {
      async request(name: string, ...rest: unknown[]) {
        const work = rest.at(-1) as () => unknown;
        // Who waits with a signal gives up.
        if (held.has(name)) throw new DOMException('', 'TimeoutError');
        held.add(name);
        try {
          return await work();
        } finally {
          held.delete(name);
        }
      },
    },
  });
});

it('is told after the page has gone, and once it is done again no more', async () => {
  expect(await interruptedMerge()).toBeNull();
  noteMerge(merge);
  // The browser releases the locks of a page that is gone.
  held.clear();
  expect(await interruptedMerge()).toEqual(merge);
  const end = noteMerge({ folder: null, run: null });
  end();
  expect(await interruptedMerge()).toBeNull();
});

it('is not told while another tab is at it', async () => {
  noteMerge(merge);
  expect(await interruptedMerge()).toBeNull();
});

it('is forgotten when the user says so, and what is no note is none', async () => {
  noteMerge(merge);
  held.clear();
  forgetMerge();
  expect(await interruptedMerge()).toBeNull();
  storage.set('graft.merge', '{"folder": 3}');
  expect(await interruptedMerge()).toBeNull();
});
