import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run as graftTrain } from '../cli/commands/train.ts';
import type { Recipe } from '../config/recipe.ts';
import { loadTokenizer } from '../data/tokenizer.ts';
import { writeText } from '../formats/text.ts';
import { GraftError } from '../lib/errors.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { corpusLines, starterBpe } from './corpusTokens.ts';
import { jsonText, sizes, writeNewModel } from './newModel.ts';
import { specialIds, writeTokenizer } from './tokenizerFiles.ts';
import { corpusRows } from './world/corpus.ts';

/** Seed of corpus, first weights and order of rows. */
export const SEED = 1;

/** What the recipe of the pretraining says; the rest is as always. */
export function starterRecipe(steps: number, lr: number): Partial<Recipe> {
  return {
    method: 'full',
    lr,
    max_steps: steps,
    // Two rows of 512 tokens, each full of short ones: some 1024 tokens a step.
    batch_size: 2,
    max_length: sizes.max_position_embeddings,
    packing: true,
    schedule: 'cosine',
    warmup_steps: 100,
    weight_decay: 0.1,
    beta2: 0.98,
    spike_guard: 0,
    seed: SEED,
    dtype: 'f32',
  };
}

/** Rows enough for `steps`, each read about once. A row has 60 tokens on the average. */
function rowsFor(steps: number): number {
  return Math.ceil((steps * 1024) / 60);
}

export interface PretrainOptions {
  /** A folder for what training needs and what it makes; a run that is there already goes on. */
  work: string;
  steps: number;
  lr: number;
}

/**
 * Makes the starter model from nothing: world, vocabulary and random weights here, and then `graft train` as anyone
 * would call it. The model is in `work`/model then, with the record of the run.
 * Throws what `graft train` throws.
 */
export async function pretrain({ work, steps, lr }: PretrainOptions): Promise<void> {
  const path = (name: string) => join(work, name);
  const started = existsSync(path('checkpoints'));
  if (!started) await prepare(work, steps, lr);
  await graftTrain([
    ...['--model', path('new'), '--data', path('corpus.jsonl'), '--recipe', path('recipe.json')],
    ...['--out', path('model'), '--checkpoints', path('checkpoints'), ...(started ? ['--resume'] : [])],
  ]);
}

/** Writes a model of random weights with its tokenizer, the corpus as tokens, and the recipe. */
async function prepare(work: string, steps: number, lr: number): Promise<void> {
  const folder = nodeFolder(work);
  const model = nodeFolder(join(work, 'new'));
  const rows = corpusRows(SEED, rowsFor(steps));
  const bpe = starterBpe(rows);
  const ids = specialIds(bpe);
  await writeTokenizer(model, bpe, sizes.max_position_embeddings);
  await writeNewModel(model, ids.count, ids, SEED);
  const tokenizer = await loadTokenizer(model);
  if (!tokenizer) throw new GraftError('infer.no_tokenizer');
  await writeText(folder, 'corpus.jsonl', corpusLines(tokenizer, rows));
  await writeText(folder, 'recipe.json', jsonText(starterRecipe(steps, lr)));
}
