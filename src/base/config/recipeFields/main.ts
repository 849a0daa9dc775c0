import { choice, count, field, real } from '../recipeField.ts';

/** The settings that every run has to choose, in display order. */
export const mainSettings = {
  method: field(
    choice(['lora', 'qlora', 'full']),
    'lora',
    'main',
    'Method',
    'LoRA trains two small matrices per target layer and freezes the model itself. QLoRA does so on a model quantized to 4 bits: a quarter of the memory, slightly less accurate. Full trains all parameters: for small models, at a learning rate of 1e-5 to 1e-3, with 16 bytes of memory per parameter besides the model itself; the result is a complete model.',
  ),
  objective: field(
    choice(['sft', 'dpo', 'orpo', 'simpo', 'cpo', 'kto', 'grpo']),
    'sft',
    'main',
    'Objective',
    'What training aims at. sft learns the answers of the data. dpo, orpo, simpo and cpo learn to prefer the better answer of each pair; kto learns from answers marked as good or bad. grpo has the model answer each prompt several times, and learns from what its answers are rewarded for (see rewards). dpo and kto compare with the model before training, grpo with a beta above 0. All but sft need a lower learning rate, about a tenth of the usual one.',
  ),
  rank: field(
    count(1, 512),
    16,
    'main',
    'Rank',
    'How much the adapter can learn: 8 to 16 for style and facts, 64 for harder tasks, at the cost of memory.',
  ),
  alpha: field(
    real(0.01, 4096),
    32,
    'main',
    'Alpha',
    'Scale of the adapter: its output is multiplied by alpha ÷ rank. Twice the rank is a common choice.',
  ),
  lr: field(
    real(0, 10),
    2e-4,
    'main',
    'Learning rate',
    'Size of each update. 2e-4 suits most models; small models take 1e-3 and more. Lower it if the loss spikes.',
  ),
  epochs: field(
    real(0.01, 1000),
    3,
    'main',
    'Epochs',
    'Passes over the data. Ignored when "Max steps" is set.',
  ),
  max_steps: field(
    count(0, 1e7),
    0,
    'main',
    'Max steps',
    'Stop after this many optimizer steps. 0 trains for the number of epochs.',
  ),
  batch_size: field(
    count(1, 1024),
    4,
    'main',
    'Batch size',
    'Rows per forward pass. Larger batches are more stable and need more memory.',
  ),
  grad_accum: field(
    count(1, 4096),
    1,
    'main',
    'Gradient accumulation',
    'Micro-batches per optimizer step: the effect of a larger batch without its memory.',
  ),
  max_length: field(
    count(2, 1 << 20),
    1024,
    'main',
    'Max length',
    'Rows longer than this many tokens are truncated; the Data view shows how many.',
  ),
};
