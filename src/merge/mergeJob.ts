import type { EndToken } from '../data/turnEnd.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import { GraftError } from '../lib/errors.ts';
import { checkAdapter } from '../model/adapterFiles.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { TrainedModel } from '../model/trainedModel.ts';

/** The weights an adapter is added to: the original ones, or what 4 bits made of them, which QLoRA trained on. */
export type MergeOnto = 'original' | 'dequantized';

/** What a person chooses of a merge. */
export interface MergeChoices {
  onto: MergeOnto;
  /** Whether the 4 bits trained on had nested absmax. Counts where a base in 16 bits is merged onto dequantized. */
  trainedDoubleQuant: boolean;
  /** The result in NF4, as bitsandbytes stores it; null keeps floats. */
  quantize: null | { doubleQuant: boolean };
  /** README.md of the result; null leaves the base's own. */
  card: string | null;
  /** Tokens that end an answer: generation_config.json of the result names them, beside those it named. */
  ends: readonly EndToken[];
  /** Where every parameter was trained: the tensors that take the place of the base's. There is no adapter then. */
  trained: TrainedModel | null;
}

/** A merge: what goes in and how it comes out. Without an adapter the base itself is written, as `quantize` does. */
export interface MergeJob extends MergeChoices {
  base: ModelFiles;
  adapter: PeftAdapter | null;
}

/** A job with the usual choices, onto the original weights and each tensor in its own dtype, but for those given. */
export function mergeJob(
  base: ModelFiles,
  adapter: PeftAdapter | null,
  choices: Partial<MergeChoices> = {},
): MergeJob {
  return {
    base,
    adapter,
    onto: 'original',
    trainedDoubleQuant: false,
    quantize: null,
    card: null,
    ends: [],
    trained: null,
    ...choices,
  };
}

/**
 * Throws `model.adapter_*` where the adapter is another model's, `merge.base_quantized`, `merge.already_quantized`,
 * `merge.trained_floats_only`.
 */
export function checkMergeJob({ base, adapter, onto, trained, quantize }: MergeJob): void {
  if (trained && quantize) throw new GraftError('merge.trained_floats_only');
  if (adapter) checkAdapter(base.spec, adapter);
  if (onto === 'dequantized' || base.quantization === null) return;
  const { method } = base.quantization;
  throw new GraftError(adapter ? 'merge.base_quantized' : 'merge.already_quantized', { method });
}
