import * as v from 'valibot';
import { choice, count, field, flag, real, wordOrList } from '../recipeField.ts';

const layersText = '"all" or a list of layer numbers such as [0, 1]';
const savedText = 'a list of module names such as ["embed_tokens", "lm_head"]';
const targetsText = '"all-linear" or a list of module names such as ["q_proj", "v_proj"]';
const moduleName = v.pipe(v.string(targetsText), v.minLength(1, targetsText));

/** What A and B of LoRA begin as, by PEFT's names; `default` is what `true` is there. */
export const loraInits = [
  'default',
  'pissa',
  'pissa_niter_1',
  'pissa_niter_2',
  'pissa_niter_4',
  'pissa_niter_8',
  'pissa_niter_16',
  'pissa_niter_32',
] as const;

/** What is trained, and in which form the model is held meanwhile. */
export const adapterSettings = {
  targets: field(
    wordOrList('all-linear', moduleName, targetsText),
    'all-linear',
    'advanced',
    'Target modules',
    'The linear layers that get an adapter, by name (q_proj, v_proj, …), or all-linear for all except the LM head (add lm_head for that).',
  ),
  modules_to_save: field(
    v.array(moduleName, savedText),
    [],
    'advanced',
    'Fully trained modules',
    'Trains the embedding and LM head in full beside the adapter, for base models that must learn new tokens: ["embed_tokens", "lm_head"]. Needs 16 bytes for each of their parameters.',
  ),
  quant: field(
    choice(['nf4']),
    'nf4',
    'advanced',
    'Quantization',
    'How QLoRA stores the model: nf4 is 4-bit NormalFloat in blocks of 64, as in bitsandbytes. A model that is already quantized to 4 bits is used as it is.',
  ),
  double_quant: field(
    flag(),
    false,
    'advanced',
    'Double quantization',
    'With QLoRA: also quantize the scales of the blocks. 4.13 bits per weight instead of 4.5, slightly less accurate.',
  ),
  head: field(
    choice(['stored', '8bit', 'nf4']),
    'stored',
    'advanced',
    'LM head',
    'How the LM head is kept in GPU memory: as stored, in 8 bits (half of that, hardly less accurate), or in NF4 (a quarter; small models lose much by it). With one that is also the embedding, rows of the embedding are then read from disk. Merging takes the head as stored.',
  ),
  layers: field(
    wordOrList('all', count(0, 100_000, layersText), layersText),
    'all',
    'advanced',
    'Layers',
    'The decoder layers that get an adapter, counted from 0, or all.',
  ),
  memory_budget: field(
    count(0, 2 ** 50, 'a number of bytes, or a size such as "300MB"'),
    0,
    'advanced',
    'Memory budget',
    'The most GPU memory to use, in bytes; 0 sets no limit. The rest is offloaded to disk: first decoder layers, then the embedding and LM head, then layer inputs. Results are identical, but training is slower; more gradient accumulation makes up for most of that.',
  ),
  dropout: field(
    real(0, 0.99),
    0,
    'advanced',
    'Dropout',
    'Fraction of the adapter’s inputs dropped at random during training. 0.05 helps against overfitting on small data.',
  ),
  rslora: field(
    flag(),
    false,
    'advanced',
    'Rank-stabilized LoRA',
    'Scales by alpha ÷ √rank instead of alpha ÷ rank, so that high ranks keep learning.',
  ),
  dora: field(
    flag(),
    false,
    'advanced',
    'DoRA',
    'Trains the length of each weight row apart from its direction, as in PEFT’s use_dora. Often better at low ranks, somewhat slower; needs dropout 0.',
  ),
  init_lora_weights: field(
    choice(loraInits),
    'default',
    'advanced',
    'Initialization',
    'What A and B begin as. default: A random and B zero. pissa: the largest singular values of the weights with their vectors, as in PEFT, which often learns faster; exact, for matrices up to 1024 wide. pissa_niter_N finds them by N passes, quickly for any size; 16 is PEFT’s advice. The adapter has twice the rank, half of it frozen, in memory and in its file. Needs weights that are not quantized, and dropout and weight decay 0.',
  ),
  loraplus_lr_ratio: field(
    real(1, 1024),
    1,
    'advanced',
    'LoRA+ ratio',
    'The learning rate of B is that of A times this, as in PEFT’s create_loraplus_optimizer. 16 is a common choice, at a lower learning rate; 1 trains both alike.',
  ),
  neftune_noise_alpha: field(
    real(0, 1000),
    0,
    'advanced',
    'NEFTune noise',
    'Adds uniform noise to the embeddings during training, of at most alpha ÷ √(tokens of the row × hidden size). 5 to 15 can make answers of chat models fuller; 0 adds none.',
  ),
};
