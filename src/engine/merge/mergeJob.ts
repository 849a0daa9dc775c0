import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { FloatDtype } from '../../content/formats/dtypes.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { checkAdapter } from '../model/trained/adapterFiles.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import type { TrainedModel } from '../model/trained/trainable.ts';

/** The weights an adapter is added to: the original ones, or the dequantized 4-bit ones that QLoRA trained on. */
export type MergeOnto = 'original' | 'dequantized';

/** The user's choices for a merge. */
export interface MergeChoices {
  onto: MergeOnto;
  /**
   * Whether the 4-bit weights trained on had nested absmax. Applies if a 16-bit base is merged onto dequantized
   * weights.
   */
  trainedDoubleQuant: boolean;
  /** Writes the result in NF4, as bitsandbytes stores it; null for floats. */
  quantize: null | { doubleQuant: boolean };
  /** The dtype of all float tensors; null for each the base's own. */
  floats: FloatDtype | null;
  /** README.md of the result; null for the base's own. */
  card: string | null;
  /** Tokens that end an answer: added to those in the result's generation_config.json. */
  ends: readonly EndToken[];
  /** The tensors that replace the base's, if all parameters were trained. There is no adapter then. */
  trained: TrainedModel | null;
}

/**
 * A merge: its inputs and the form of its result. Without an adapter, the base itself is written according to
 * `quantize`.
 */
export interface MergeJob extends MergeChoices {
  base: ModelFiles;
  adapter: PeftAdapter | null;
}

/** A job with default choices (onto the original weights, each tensor in its own dtype), overridden by those given. */
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
    floats: null,
    card: null,
    ends: [],
    trained: null,
    ...choices,
  };
}

/**
 * Checks a job. Throws `model.adapter_*` if the adapter does not fit, `merge.base_quantized`,
 * `merge.already_quantized`, `merge.trained_floats_only`.
 */
export function checkMergeJob({ base, adapter, onto, trained, quantize }: MergeJob): void {
  if (trained && quantize) throw new GraftError('merge.trained_floats_only');
  if (adapter) checkAdapter(base.spec, adapter);
  if (onto === 'dequantized' || base.quantization === null) return;
  const { method } = base.quantization;
  throw new GraftError(adapter ? 'merge.base_quantized' : 'merge.already_quantized', { method });
}
