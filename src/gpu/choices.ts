import type { ElementType } from './tensor.ts';

/** A product c = a · w as far as it matters for which kernel is best: epilogue and siblings are left out. */
export interface Product {
  layout: 'NT' | 'NN' | 'TN';
  /** Of the largest member, where siblings share a dispatch. */
  m: number;
  n: number;
  k: number;
  /** What a and c are stored as, and the format of w. */
  a: ElementType;
  c: ElementType;
  w: string;
}

/**
 * Which kernels were found best on a device, by their names in kernels/matmulVariants.ts. A device's choices are changed
 * between runs only, since other kernels round otherwise.
 */
export interface KernelChoices {
  /** The kernel for a product, or undefined for the default. */
  variantOf(product: Product): string | undefined;
  /** What was chosen so far other than defaults, by `productKey`. */
  readonly used: Readonly<Record<string, string>>;
}

/** The defaults alone. */
export const noChoices: KernelChoices = { variantOf: () => undefined, used: {} };

/** What products share that are one to the tuner: sizes are rounded up to powers of two. */
export function productKey({ layout, m, n, k, a, c, w }: Product): string {
  return `${layout} ${roundUp(m)} ${roundUp(n)} ${roundUp(k)} ${a} ${w} ${c}`;
}

function roundUp(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}

/** Choices by the keys of products. */
export class TunedChoices implements KernelChoices {
  readonly #variants: ReadonlyMap<string, string>;
  readonly #used = new Map<string, string>();

  /** @param variants names of kernels by `productKey` */
  constructor(variants: Readonly<Record<string, string>>) {
    this.#variants = new Map(Object.entries(variants));
  }

  variantOf(product: Product): string | undefined {
    // Without choices, no text is made for every dispatch.
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
