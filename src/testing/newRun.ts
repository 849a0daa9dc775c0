import { defaultRecipe } from '../config/recipe.ts';
import { tokenRowFiles } from '../runs/tokenRowFiles.ts';
import type { NewRun } from '../runs/runStore.ts';
import { bytesSource } from '../storage/byteSource.ts';
import { randomRows } from './passes.ts';

/** The rows of `someRun`. */
export const someRows = randomRows([5, 3, 7]);

/** What a run could be begun with. */
export function someRun(change: Partial<NewRun> = {}): NewRun {
  return {
    name: 'Robots / 1',
    recipe: { ...defaultRecipe(), rank: 4, seed: 7 },
    base: { name: 'tiny', repo: 'org/tiny', commit: 'abc', license: null, fingerprint: 'f00d' },
    data: { file: 'robots.jsonl', rows: 3, evalRows: 0, tokens: 15, trainedTokens: 12 },
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
