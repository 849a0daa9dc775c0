import type { ConfigReader } from '../configReader.ts';
import type { RopeOwner } from '../ropeConfig.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Biases } from './llamaLayout.ts';

/** transformers' defaults for absent keys. */
export interface Defaults {
  /** Null: as many as heads, which is also what a null in the config means. */
  kvHeads: number | null;
  /** Null: hidden size / heads. */
  headDim: number | null;
  maxPositions: number;
  normEps: number;
  tied: boolean;
  /** Base of RoPE. */
  theta: number;
  /** In families whose heads may turn in part: the default of `partial_rotary_factor`. */
  partialRotary?: number;
  /** In families with `original_max_position_embeddings` outside RoPE's object. */
  originalPositions?: number;
  /** The key of the activation and its default. */
  activation: readonly [key: string, name: string];
}

/** Llama's. */
export const llamaDefaults: Defaults = {
  kvHeads: null,
  headDim: null,
  maxPositions: 2048,
  normEps: 1e-6,
  tied: false,
  theta: 10_000,
  activation: ['hidden_act', 'silu'],
};

/** The sizes of a config, which a family's differences may depend on. */
export interface BaseSizes {
  hiddenSize: number;
  layers: number;
  heads: number;
  headDim: number;
  /** What RoPE depends on. */
  rope: RopeOwner;
}

/** A model family: which configs belong to it, and how it differs from plain Llama. */
export interface Family {
  /** `model_type` in config.json. */
  modelType: string;
  /** `architectures` in config.json. */
  architecture: string;
  /** Whether transformers gives each layer a type, by which `rope_parameters` may then be nested. */
  layerTypes?: 'always' | 'declared';
  /** The key of the MLP's size, if it is another than Llama's, and its default. */
  ffnKey?: readonly [key: string, size: number];
  /** Where they differ from Llama's. */
  defaults?: Partial<Defaults>;
  /** Where the decoder differs from Llama's. */
  differences?(config: ConfigReader, base: BaseSizes): Partial<DecoderSpec>;
  /** Biases of Llama's linear layers; none by default. */
  biases?(config: ConfigReader): Biases;
  /** Names and linear layers if they differ from Llama's, given the sizes and the biases. */
  layout?(
    spec: Omit<DecoderSpec, 'names' | 'linears'>,
    biases: Biases,
  ): Partial<Pick<DecoderSpec, 'names' | 'linears'>>;
}
