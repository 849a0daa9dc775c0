import { choice, count, field, real } from '../recipeField.ts';

/** Learning-rate schedules, by transformers' names. */
export const schedules = [
  'cosine',
  'linear',
  'constant',
  'constant_with_warmup',
  'cosine_with_restarts',
  'polynomial',
  'inverse_sqrt',
] as const;
export type ScheduleName = (typeof schedules)[number];

/** The schedules of rate and rank, and AdamW. */
export const optimizerSettings = {
  schedule: field(
    choice(schedules),
    'cosine',
    'advanced',
    'LR schedule',
    'How the learning rate changes over the run, with the names used in transformers.',
  ),
  warmup_steps: field(
    count(0, 1e7),
    2,
    'advanced',
    'Warmup steps',
    'Steps over which the learning rate rises from zero.',
  ),
  start_rank: field(
    count(0, 512),
    0,
    'advanced',
    'Start rank',
    'Start with this rank and double it up to the full rank, keeping what was learned. 0 starts with the full rank.',
  ),
  grow_steps: field(
    count(1, 1e7),
    100,
    'advanced',
    'Double the rank every',
    'Optimizer steps between doublings, when a start rank is set.',
  ),
  weight_decay: field(
    real(0, 10),
    0,
    'advanced',
    'Weight decay',
    'Pulls the trained weights toward zero at each step.',
  ),
  beta1: field(
    real(0, 0.99999),
    0.9,
    'advanced',
    'Adam β₁',
    'Decay rate of the first moment (mean of the gradient).',
  ),
  beta2: field(
    real(0, 0.9999999),
    0.999,
    'advanced',
    'Adam β₂',
    'Decay rate of the second moment (mean of the squared gradient).',
  ),
  eps: field(real(0, 1), 1e-8, 'advanced', 'Adam ε', 'Keeps updates finite when gradients are tiny.'),
  max_grad_norm: field(
    real(0, 1e6),
    1,
    'advanced',
    'Max gradient norm',
    'Gradients with a larger norm are clipped to it. 0 turns clipping off.',
  ),
  optimizer: field(
    choice(['adamw', 'adamw_8bit']),
    'adamw',
    'advanced',
    'Optimizer',
    'adamw_8bit stores AdamW’s states in 8 bits, a quarter of the memory; small matrices stay in 32 bits.',
  ),
};
