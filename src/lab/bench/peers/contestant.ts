import type { FourBit, Product } from './product.ts';

/** An implementation of a product, with its factors on the GPU. */
export interface Contestant {
  /** Computes the product, once unless told otherwise, and waits for the GPU. */
  run(times?: number): Promise<void>;
  /** The product, [m, n]. */
  output(): Promise<Float32Array>;
  dispose(): void | Promise<void>;
}

/** A library that multiplies on a GPU. */
export interface Peer {
  /** Uploads the factors of x · w to the GPU. */
  dense(product: Product): Promise<Contestant>;
  /** The same with the transpose of w, [n, k], in int4; null if the library has no such product. */
  int4: ((product: Product, weight: FourBit) => Promise<Contestant>) | null;
}
