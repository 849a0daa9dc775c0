import type { FourBit, Product } from './product.ts';

/** One way to compute a product, its factors on the GPU. */
export interface Contestant {
  /** Computes the product once and waits for the GPU. */
  run(): Promise<void>;
  /** The product, [m, n]. */
  output(): Promise<Float32Array>;
  dispose(): void | Promise<void>;
}

/** A library that multiplies on a GPU. */
export interface Peer {
  /** Puts the factors of x · w on the GPU. */
  dense(product: Product): Promise<Contestant>;
  /** The same with the transpose of w, [n, k], in int4; null where the library has no such product. */
  int4: ((product: Product, weight: FourBit) => Promise<Contestant>) | null;
}
