import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { Recipe } from '../../base/config/recipe.ts';
import { createFunctionsSlice } from './functions.ts';
import type { StoreDeps, Studio } from './state.ts';

const kept = new Map<string, string>();
beforeEach(() =>
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  }),
);
afterEach(() => {
  kept.clear();
  vi.unstubAllGlobals();
});

const visit = () =>
  createStore<Studio>()((...args) => createFunctionsSlice({} as StoreDeps)(...args) as Studio);
const recipe: Pick<Recipe, 'objective' | 'rewards'> = {
  objective: 'grpo',
  rewards: [
    { kind: 'exact' },
    { kind: 'javascript', source: '() => 1' },
    { kind: 'javascript', source: '() => 2', name: 'second' },
  ],
};

/** Answers the next question. @returns what was asked */
async function answer(store: ReturnType<typeof visit>, yes: boolean) {
  await vi.waitUntil(() => store.getState().askedFunction);
  const asked = store.getState().askedFunction;
  store.getState().answerFunction(yes);
  return asked;
}

it('the user is asked once for each text of a function, in this visit and later ones', async () => {
  const store = visit();
  const allowing = store.getState().allowRewards(recipe);
  expect(await answer(store, true)).toEqual({ name: 'javascript', source: '() => 1' });
  expect(await answer(store, true)).toEqual({ name: 'second', source: '() => 2' });
  expect(await allowing).toBe(true);
  expect(await store.getState().allowRewards(recipe)).toBe(true);
  expect(await visit().getState().allowRewards(recipe)).toBe(true);
  // Another text is another function, whatever it is called.
  const changed = store.getState().allowFunction({ name: 'second', source: '() => 2 ' });
  expect(await answer(store, false)).toEqual({ name: 'second', source: '() => 2 ' });
  expect(await changed).toBe(false);
});

it('a refusal is not remembered, and the functions after it are not asked about', async () => {
  const store = visit();
  const allowing = store.getState().allowRewards(recipe);
  await answer(store, false);
  expect(await allowing).toBe(false);
  expect(store.getState().askedFunction).toBe(null);
  const again = store.getState().allowFunction({ name: 'javascript', source: '() => 1' });
  await answer(store, true);
  expect(await again).toBe(true);
});

it('questions wait for each other', async () => {
  const store = visit();
  const both = Promise.all(
    ['() => 1', '() => 2'].map((source) => store.getState().allowFunction({ name: source, source })),
  );
  expect((await answer(store, false))?.name).toBe('() => 1');
  expect((await answer(store, true))?.name).toBe('() => 2');
  expect(await both).toEqual([false, true]);
});

it('nothing is asked about functions that a recipe does not read', async () => {
  expect(
    await visit()
      .getState()
      .allowRewards({ ...recipe, objective: 'sft' }),
  ).toBe(true);
});

it('what needs functions starts once they are allowed, if it may start then; what needs none at once', async () => {
  const store = visit();
  const started: string[] = [];
  let free = true;
  const start = (name: string, of: typeof recipe | null) =>
    store.getState().onceAllowed(
      of,
      () => free,
      async () => void started.push(name),
    );
  void start('unknown', null);
  void start('sft', { ...recipe, objective: 'sft' });
  expect(started.splice(0)).toEqual(['unknown', 'sft']);
  const refused = start('refused', recipe);
  await answer(store, false);
  await refused;
  const late = start('late', recipe);
  await answer(store, true);
  expect(started).toEqual([]);
  // Another job began while the user was reading.
  free = false;
  await answer(store, true);
  await late;
  await start('busy', null);
  free = true;
  await start('allowed', recipe);
  expect(started).toEqual(['allowed']);
});
