import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { train } from '../../hosts/node/cli/commands/train.ts';
import type { Recipe } from '../../base/config/recipe.ts';
import { loadTokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { writeText } from '../../content/formats/text.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { corpusLines, starterBpe } from './corpusTokens.ts';
import { jsonText, sizes, writeNewModel } from './newModel.ts';
import { specialIds, writeTokenizer } from './tokenizerFiles.ts';
import { corpusRows } from './world/corpus.ts';

/** Seed of the corpus, the initial weights and the order of rows. */
export const SEED = 1;

/** The recipe of the pretraining; the rest is default. */
export function starterRecipe(steps: number, lr: number): Partial<Recipe> {
  return {
    method: 'full',
    lr,
    max_steps: steps,
    // Two rows of 512 tokens, each packed with short ones: some 1024 tokens per step.
    batch_size: 2,
    max_length: sizes.max_position_embeddings,
    packing: true,
    schedule: 'cosine',
    warmup_steps: 100,
    weight_decay: 0.1,
    beta2: 0.98,
    spike_guard: 0,
    // Its questions are held out by their text already.
    eval_fraction: 0,
    seed: SEED,
    dtype: 'f32',
  };
}

/** Enough rows for `steps`, each read about once. A row has 60 tokens on average. */
function rowsFor(steps: number): number {
  return Math.ceil((steps * 1024) / 60);
}

export interface PretrainOptions {
  /** A folder for the inputs and outputs of training; an existing run is resumed. */
  work: string;
  steps: number;
  lr: number;
}

/**
 * Creates the starter model from scratch: world, vocabulary and random weights here, then `graft train` as any user
 * would call it. The model, with the record of the run, is then in `work`/model. Throws what `graft train` throws.
 */
export async function pretrain({ work, steps, lr }: PretrainOptions): Promise<void> {
  const path = (name: string) => join(work, name);
  const started = existsSync(path('checkpoints'));
  if (!started) await prepare(work, steps, lr);
  await train.run([
    '--model',
    path('new'),
    '--data',
    path('corpus.jsonl'),
    '--recipe',
    path('recipe.json'),
    '--out',
    path('model'),
    '--checkpoints',
    path('checkpoints'),
    ...(started ? ['--resume'] : []),
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
