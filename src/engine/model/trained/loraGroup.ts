import type { Tensor } from '../../gpu/tensor.ts';
import type { DoraGroupScales } from './doraScales.ts';

/** A, B and magnitudes of one module, as views of the parameters or of their gradients. */
export interface LoraPair {
  /** [rank, in], of experts one after the other. */
  a: Tensor;
  /** [out, rank], likewise. */
  b: Tensor;
  rank: number;
  /** The first rows of A and columns of B that get gradients: all of them, but for PiSSA. */
  trained: number;
  scale: number;
  /** DoRA's, [out]; null for plain LoRA. */
  magnitudes: Tensor | null;
}

/** What DoRA adds to the adapters of a group. */
export interface DoraGroup {
  scales: DoraGroupScales;
  /** Whether `scales` have to be computed for a strength; from now on they count as known. */
  takeStale(strength: number): boolean;
}

/** The adapters of layers that read the same input. */
export interface LoraGroup {
  /** Of each layer; null for one without an adapter. */
  pairs: readonly (LoraPair | null)[];
  /** The first column of each layer's u, where those of all lie beside each other. */
  columns: readonly number[];
  /** Sum of the ranks: columns of u. */
  rank: number;
  /** A of all of them as one matrix [rank, in], where they follow each other without a gap. */
  a: Tensor | null;
  /** B of all as one matrix [out, rank of each], where no layer lacks one and ranks and scales are the same. */
  b: Tensor | null;
  /** Null for plain LoRA. */
  dora: DoraGroup | null;
}

/** Whether the adapters of a group are DoRA. */
export function hasDora<L extends { group: LoraGroup }>(lora: L): lora is L & { group: { dora: DoraGroup } } {
  return lora.group.dora !== null;
}

/** Values of one module's A [rank, in], B [out, rank], of experts one after the other, and DoRA's magnitudes, off the GPU. */
export interface LoraValues {
  a: Float32Array<ArrayBuffer>;
  b: Float32Array<ArrayBuffer>;
  magnitudes?: Float32Array<ArrayBuffer>;
}
