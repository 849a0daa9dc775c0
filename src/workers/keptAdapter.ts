import type { RunRecord } from '../config/runRecord.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { adapterToPeft, type AdapterDescription } from '../model/adapterFiles.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { evaluateMerges } from '../train/evaluateMerges.ts';
import type { MergeLosses } from './protocol.ts';

/** What is remembered of an adapter's training until it is merged. */
export interface AdapterTraining {
  /** The 4 bits it was trained on; null for a base as stored. */
  quantize: null | { doubleQuant: boolean };
  evalRows: TokenRows | null;
  /** What the run has come to by now. */
  record(): RunRecord;
}

/** The adapter that was trained, or loaded from its files. */
export class KeptAdapter {
  readonly lora: LoraAdapter;
  /** Null for one that was loaded. */
  readonly training: AdapterTraining | null;
  readonly #about: AdapterDescription;
  #losses: MergeLosses | null = null;

  constructor(lora: LoraAdapter, about: AdapterDescription, training: AdapterTraining | null) {
    this.lora = lora;
    this.training = training;
    this.#about = about;
  }

  get record(): RunRecord | null {
    return this.training?.record() ?? null;
  }

  toPeft(): Promise<PeftAdapter> {
    return adapterToPeft(this.lora, this.#about);
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
