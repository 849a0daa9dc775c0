import * as v from 'valibot';
import { choice, count, field, flag, real } from '../recipeField.ts';

const splitText = '"auto" or a number from 0 to 0.5';

/** How a run goes through its rows, when it evaluates and saves, and how precisely it computes. */
export const runSettings = {
  packing: field(
    flag(),
    false,
    'advanced',
    'Packing',
    'Packs several short rows into one sequence of up to max length. Rows don’t attend to each other.',
  ),
  shuffle: field(
    flag(),
    true,
    'advanced',
    'Shuffle',
    'Reads the rows in a new random order each epoch, with rows of similar length together.',
  ),
  eval_fraction: field(
    v.union([v.literal('auto', splitText), real(0, 0.5, splitText)], splitText),
    'auto',
    'advanced',
    'Evaluation split',
    'Fraction of the rows held out to measure the loss on unseen data. auto holds out a tenth from 50 rows on, at most 50 rows; 0 holds out none.',
  ),
  eval_steps: field(count(1, 1e7), 20, 'advanced', 'Evaluate every', 'Optimizer steps between evaluations.'),
  checkpoint_steps: field(
    count(0, 1e7),
    0,
    'advanced',
    'Checkpoint every',
    'Optimizer steps between checkpoints, in addition to the timed ones. 0 saves timed checkpoints only.',
  ),
  load_best: field(
    flag(),
    false,
    'advanced',
    'Load best at end',
    'End with the adapter of the lowest eval loss instead of the last. Needs an evaluation split.',
  ),
  patience: field(
    count(0, 1e7),
    0,
    'advanced',
    'Early stopping',
    'Stop after this many evaluations in a row without improvement; 0 turns it off. Needs an evaluation split.',
  ),
  min_delta: field(
    real(0, 100),
    0,
    'advanced',
    'Minimum improvement',
    'How far the eval loss must fall below its lowest value for early stopping to count it as an improvement.',
  ),
  spike_guard: field(
    real(0, 1000),
    6,
    'advanced',
    'Spike guard',
    'Skips a step whose loss or gradient norm is more than this many standard deviations above the mean of the last 128 steps. Active after 64 steps; 0 turns it off.',
  ),
  seed: field(
    count(0, 0xffffffff),
    42,
    'advanced',
    'Seed',
    'The same recipe, data and seed give the same adapter, bit for bit, on the same GPU.',
  ),
  dtype: field(
    choice(['auto', 'f32', 'f16']),
    'auto',
    'advanced',
    'Activation dtype',
    'The type of activations within a layer. f16 halves their memory on GPUs that support it; sums are always f32. auto uses f16 on such GPUs, but f32 on software adapters and with the method Full.',
  ),
  kept_inputs: field(
    choice(['f32', 'f16', '8bit']),
    'f32',
    'advanced',
    'Saved layer inputs',
    'How the input of each layer is saved for the backward pass: exactly, in 16 bits (half the memory), or in 8 bits by blocks of 64 (a quarter, less accurate). Saves most with long rows and large batches.',
  ),
};
