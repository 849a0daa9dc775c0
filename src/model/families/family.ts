import type { ConfigReader } from '../configReader.ts';
import type { DecoderSpec } from '../spec.ts';

/** What a family's file says: which configs are its own, and how it differs from plain Llama. */
export interface Family {
  /** `model_type` in config.json. */
  modelType: string;
  /** `architectures` in config.json. */
  architecture: string;
  differences(config: ConfigReader): Partial<DecoderSpec>;
}
