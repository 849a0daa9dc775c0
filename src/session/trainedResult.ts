import type { RunRecord } from '../base/config/runRecord.ts';
import type { TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { MergeJob } from '../engine/merge/mergeJob.ts';
import type { AdapterDescription } from '../engine/model/trained/trainable.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';
import { evaluateMerges, type MergeLosses } from '../engine/train/evaluateMerges.ts';

/** How something was trained, until it is merged. */
export interface TrainingFacts {
  /** The 4 bits it was trained on; null for a base as stored. */
  quantize: null | { doubleQuant: boolean };
  evalRows: TokenRows | null;
  /** The record of the run, up to now. */
  record(): RunRecord;
  /** metrics.jsonl, up to now. */
  metrics(): string;
}

/** An adapter that was trained or opened, or a model of which every parameter was trained. */
export class TrainedResult {
  readonly trained: Trainable;
  /** Null for an adapter that was opened. */
  readonly training: TrainingFacts | null;
  readonly #about: AdapterDescription;
  #losses: MergeLosses | null = null;

  constructor(trained: Trainable, about: AdapterDescription, training: TrainingFacts | null) {
    this.trained = trained;
    this.training = training;
    this.#about = about;
  }

  get record(): RunRecord | null {
    return this.training?.record() ?? null;
  }

  /** Throws `train.full_no_adapter` where every parameter was trained. */
  toPeft(): Promise<PeftAdapter> {
    return this.trained.toPeft(this.#about);
  }

  /** What a merge adds to its base, or puts in its place. */
  async content(): Promise<Pick<MergeJob, 'adapter' | 'trained'>> {
    const trained = this.trained.trainedModel();
    return { adapter: trained ? null : await this.toPeft(), trained };
  }

  /** The losses on either of the weights it can be merged onto, measured once; null without a choice or rows. */
  async mergeLosses(gpu: Gpu, base: ModelFiles): Promise<MergeLosses | null> {
    const { evalRows = null, quantize = null } = this.training ?? {};
    if (!evalRows || !(quantize || base.quantization)) return null;
    const doubleQuant = quantize?.doubleQuant ?? false;
    this.#losses ??= await evaluateMerges(gpu, base, await this.toPeft(), evalRows, doubleQuant);
    return this.#losses;
  }
}
