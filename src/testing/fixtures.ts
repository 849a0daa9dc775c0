import { fileURLToPath } from 'node:url';
import { sharedPath } from './shared.ts';

const fromRoot = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** The starter model: trained, Qwen3, BF16, tied, with a byte-level tokenizer and ChatML. */
export const starter = fromRoot('public/starter');

/** 42 sums to answer, with the word of each sum, and the recipe that learns them from rewards. */
export const smallSums = fromRoot('public/samples/small-sums.jsonl');
export const smallSumsRecipe = fromRoot('public/samples/small-sums.recipe.json');

/** 240 rows of prompt and completion. */
export const robotStories = fromRoot('public/samples/robot-stories.jsonl');

/** 24 rows of instruction, input and output: a JSON array. */
export const alpaca = fromRoot('e2e/fixtures/data/alpaca.json');

/** The folder of a model by name: `starter`, a random one of the fixtures, or `stories260k` of the shared material. */
export function modelPath(name: string): string {
  if (name === 'starter') return starter;
  return name === 'stories260k' ? sharedPath(`models/${name}`) : fromRoot(`e2e/fixtures/models/${name}`);
}

/** A file or folder of a reference run, by the run's name. */
export function goldenPath(run: string, file = ''): string {
  return run.startsWith('stories260k')
    ? sharedPath(`golden/${run}/${file}`)
    : fromRoot(`e2e/fixtures/golden/${run}/${file}`);
}

/** The reference runs of the fixtures. */
export const goldenRuns = [
  'starter-lora',
  'tiny-qwen2-lora',
  'tiny-qwen3-lora',
  'tiny-llama3-qlora',
] as const;
