import { readJson, writeText } from '../formats/text.ts';
import { productKey, TunedChoices, type Product } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { matmulKernel, matmulVariants } from '../kernels/matmulVariants.ts';
import type { MatmulVariant } from '../kernels/matmulVariants.ts';
import type { WritableFolder } from '../storage/types.ts';

const FILE = 'tuning.json';

/** The best kernel of each product that was measured, by `productKey`; null is the default. */
type Found = Record<string, MatmulVariant | null>;

/** What the file holds: what was found on each adapter. */
type Kept = Record<string, Found>;

/** What was found on an adapter, kept in a folder for later runs. */
export class KeptChoices {
  readonly #folder: WritableFolder | null;
  readonly #adapter: string;
  readonly #found: Map<string, MatmulVariant | null>;
  readonly #leftOut = new Set<string>();

  private constructor(folder: WritableFolder | null, adapter: string, found: Found) {
    this.#folder = folder;
    this.#adapter = adapter;
    this.#found = new Map(Object.entries(found));
  }

  /**
   * Reads what is known of an adapter. A file that is missing or damaged is one that knows nothing: it costs no more
   * than measuring again.
   * @param folder null keeps nothing
   * @param adapter as `adapterKey` names it
   */
  static async open(folder: WritableFolder | null, adapter: string): Promise<KeptChoices> {
    const kept = folder ? await readKept(folder) : {};
    return new KeptChoices(folder, adapter, kept[adapter] ?? {});
  }

  /** How many products were measured, and for how many of them another kernel than the default was best. */
  get counts(): { measured: number; tuned: number } {
    return { measured: this.#found.size, tuned: Object.keys(this.#tuned()).length };
  }

  /** Whether a product need not be measured: it was, or was left out. */
  has(product: Product): boolean {
    const key = productKey(product);
    return this.#found.has(key) || this.#leftOut.has(key);
  }

  /** Leaves a product out until this is opened anew. */
  leaveOut(product: Product): void {
    this.#leftOut.add(productKey(product));
  }

  /** @param best null is the default */
  set(product: Product, best: MatmulVariant | null): void {
    this.#found.set(productKey(product), best);
  }

  /** What a run takes in place of defaults; later finds do not change it. */
  choices(): TunedChoices {
    return new TunedChoices(this.#tuned());
  }

  /** Writes what is known, beside what is known of other adapters. Throws what the folder throws. */
  async save(): Promise<void> {
    if (!this.#folder) return;
    const kept = await readKept(this.#folder);
    kept[this.#adapter] = { ...kept[this.#adapter], ...Object.fromEntries(this.#found) };
    await writeText(this.#folder, FILE, `${JSON.stringify(kept, null, 1)}\n`);
  }

  #tuned(): Record<string, string> {
    const tuned: Record<string, string> = {};
    for (const [key, best] of this.#found) if (best !== null) tuned[key] = best;
    return tuned;
  }
}

async function readKept(folder: WritableFolder): Promise<Kept> {
  const json = await readJson(folder, FILE).catch(() => null);
  return isKept(json) ? json : {};
}

function isKept(json: unknown): json is Kept {
  return (
    isObject(json) &&
    Object.values(json).every(
      (of) => isObject(of) && Object.values(of).every((best) => best === null || isVariant(best)),
    )
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVariant(name: unknown): boolean {
  return typeof name === 'string' && Object.hasOwn(matmulVariants, name);
}

/**
 * Names what finds hold for: the adapter, what drives it, and the shaders that were measured.
 * @param environment the browser with its major version, or Node with its
 * @param shaders name → WGSL with includes resolved
 */
export function adapterKey(
  { description, hasF16, subgroupSize }: Pick<Gpu, 'description' | 'hasF16' | 'subgroupSize'>,
  environment: string,
  shaders: Record<string, string>,
): string {
  const features = `${hasF16 ? 'f16' : 'no f16'}, subgroups ${subgroupSize ?? 'none'}`;
  return `${description} · ${features} · ${environment} · shaders ${kernelsVersion(shaders)}`;
}

/** A checksum of everything that products are compiled from. */
function kernelsVersion(shaders: Record<string, string>): string {
  const problem = { layout: 'NT', m: 512, n: 512, k: 512, codes: null } as const;
  const variants = Object.keys(matmulVariants) as MatmulVariant[];
  const kernels = variants.map((variant) => [variant, matmulKernel(variant, problem, 32)]);
  const sources = Object.entries(shaders).filter(([name]) => name.startsWith('matmul_'));
  return fnv1a(JSON.stringify([kernels, sources]));
}

/** FNV-1a in 32 bits: tells versions apart, nothing more. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A browser by the name and major version in its user agent: a new version brings another driver of shaders. */
export function browserName(userAgent: string): string {
  return /(Edg|Firefox|Chrome|Version)\/\d+/.exec(userAgent)?.[0] ?? userAgent;
}
