import { defaultRecipe } from '../base/config/recipe.ts';
import { tokenRowFiles } from '../content/runs/tokenRowFiles.ts';
import type { NewRun } from '../content/runs/runStore.ts';
import { bytesSource } from '../base/storage/byteSource.ts';
import { randomRows } from './passes.ts';

/** The rows of `someRun`. */
export const someRows = randomRows([5, 3, 7]);

/** A valid new run. */
export function someRun(change: Partial<NewRun> = {}): NewRun {
  return {
    name: 'Robots / 1',
    recipe: { ...defaultRecipe(), rank: 4, seed: 7 },
    base: { name: 'tiny', repo: 'org/tiny', commit: 'abc', license: null, fingerprint: 'f00d' },
    data: {
      file: 'robots.jsonl',
      rows: 3,
      evalRows: 0,
      validation: 'held-out.jsonl',
      tokens: 15,
      trainedTokens: 12,
      weightedTokens: 2,
      changes: { edited: 1, excluded: 0 },
    },
    files: [
      ...tokenRowFiles('train', someRows),
      bytesSource('robots.jsonl', new TextEncoder().encode('{"text":"你好"}\n')),
    ],
    kernels: { 'NT f32': '64x64' },
    extra: { prompts: ['Hello'] },
    totalSteps: 40,
    ...change,
  };
}
