import type { RunRecord } from '../config/runRecord.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { adapterToPeft, type AdapterDescription } from '../model/adapterFiles.ts';
import { FullParameters } from '../model/fullParameters.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { Trainable } from '../model/trainable.ts';
import { adapterOf, trainedModel, type TrainedModel } from '../model/trainedModel.ts';
import { evaluateMerges } from '../train/evaluateMerges.ts';
import type { MergeLosses } from './protocol.ts';

/** What is remembered of how something was trained until it is merged. */
export interface TrainingFacts {
  /** The 4 bits it was trained on; null for a base as stored. */
  quantize: null | { doubleQuant: boolean };
  evalRows: TokenRows | null;
  /** What the run has come to by now. */
  record(): RunRecord;
}

/** An adapter that was trained, or loaded from its files, or a model of which every parameter was trained. */
export class KeptTraining {
  readonly trained: Trainable;
  /** Null for one that was loaded. */
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

  /** The tensors of a whole model; null of an adapter. */
  get model(): TrainedModel | null {
    return this.trained instanceof FullParameters ? trainedModel(this.trained) : null;
  }

  /** Throws `train.full_no_adapter` where it is a whole model. */
  toPeft(): Promise<PeftAdapter> {
    return adapterToPeft(adapterOf(this.trained), this.#about);
  }

  /** The losses between which a person chooses, measured once, where there is a choice and rows to measure it on. */
  async mergeLosses(gpu: Gpu, base: ModelFiles): Promise<MergeLosses | null> {
    const { evalRows = null, quantize = null } = this.training ?? {};
    if (!evalRows || !(quantize || base.quantization)) return null;
    const doubleQuant = quantize?.doubleQuant ?? false;
    this.#losses ??= await evaluateMerges(gpu, base, await this.toPeft(), evalRows, doubleQuant);
    return this.#losses;
  }
}
