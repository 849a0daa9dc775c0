import type { ConfigReader } from '../configReader.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Biases } from './llamaLayout.ts';

/** What a family's file says: which configs are its own, and how it differs from plain Llama. */
export interface Family {
  /** `model_type` in config.json. */
  modelType: string;
  /** `architectures` in config.json. */
  architecture: string;
  /** Whether transformers knows a type for each layer, by which `rope_parameters` may then be nested. */
  layerTypes?: 'always' | 'declared';
  /** What transformers takes for absent keys where that is not Llama's; null is none of them. */
  defaults?: { kvHeads?: number; maxPositions?: number };
  differences(config: ConfigReader): Partial<DecoderSpec>;
  /** Of Llama's linear layers; by default none. */
  biases?(config: ConfigReader): Biases;
  /** Names and linear layers other than Llama's, once the sizes are known. */
  layout?(spec: Omit<DecoderSpec, 'names' | 'linears'>): Pick<DecoderSpec, 'names' | 'linears'>;
}
