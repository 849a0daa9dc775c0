import type { ElementType } from './tensor.ts';

/** A matrix product c = a · w, reduced to what determines the best kernel: epilogue and fusion are left out. */
export interface Product {
  layout: 'NT' | 'NN' | 'TN';
  /** Sizes of the largest member if fused projections share a dispatch. */
  m: number;
  n: number;
  k: number;
  /** Storage types of a and c, and the weight format of w. */
  a: ElementType;
  c: ElementType;
  w: string;
}

/**
 * The fastest known kernels on a device, by their names in kernels/matmulVariants.ts. They change only between runs,
 * since kernels round differently.
 */
export interface KernelChoices {
  /** The kernel for a product, or undefined for the default. */
  variantOf(product: Product): string | undefined;
  /** The choices used so far that differ from the default, by `productKey`. */
  readonly used: Readonly<Record<string, string>>;
}

/** Always the defaults. */
export const noChoices: KernelChoices = { variantOf: () => undefined, used: {} };

/** The tuning key of a product: sizes are rounded up to powers of two. */
export function productKey({ layout, m, n, k, a, c, w }: Product): string {
  return `${layout} ${roundUp(m)} ${roundUp(n)} ${roundUp(k)} ${a} ${w} ${c}`;
}

function roundUp(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}

/** Choices found by tuning. */
export class TunedChoices implements KernelChoices {
  readonly #variants: ReadonlyMap<string, string>;
  readonly #used = new Map<string, string>();

  /** @param variants kernel names by `productKey` */
  constructor(variants: Readonly<Record<string, string>>) {
    this.#variants = new Map(Object.entries(variants));
  }

  variantOf(product: Product): string | undefined {
    // Avoids building a key for every dispatch.
    if (this.#variants.size === 0) return undefined;
    const key = productKey(product);
    const variant = this.#variants.get(key);
    if (variant !== undefined) this.#used.set(key, variant);
    return variant;
  }

  get used(): Record<string, string> {
    return Object.fromEntries([...this.#used].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
