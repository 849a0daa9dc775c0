import { readJson, writeText } from '../../content/formats/text.ts';
import { productKey, TunedChoices, type Product } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { matmulKernel, matmulVariants, problemOf } from '../kernels/matmulVariants.ts';
import type { MatmulVariant } from '../kernels/matmulVariants.ts';
import type { WritableFolder } from '../../base/storage/types.ts';

const FILE = 'tuning.json';

/** The best kernel of each measured product, by `productKey`; null for the default. */
type Found = Record<string, MatmulVariant | null>;

/** Contents of the file: the results per adapter. */
type Results = Record<string, Found>;

/** Tuning results of an adapter, saved in a folder for later runs. */
export class TunedKernels {
  readonly #folder: WritableFolder | null;
  readonly #adapter: string;
  readonly #found: Map<string, MatmulVariant | null>;
  readonly #skipped = new Set<string>();

  private constructor(folder: WritableFolder | null, adapter: string, found: Found) {
    this.#folder = folder;
    this.#adapter = adapter;
    this.#found = new Map(Object.entries(found));
  }

  /**
   * Reads the results of an adapter. A missing or damaged file counts as empty: it only costs measuring again.
   * @param folder null to save nothing
   * @param adapter from `adapterKey`
   */
  static async open(folder: WritableFolder | null, adapter: string): Promise<TunedKernels> {
    const results = folder ? await readResults(folder) : {};
    return new TunedKernels(folder, adapter, results[adapter] ?? {});
  }

  /** Number of products measured, and of those with a better kernel than the default. */
  get counts(): { measured: number; tuned: number } {
    return { measured: this.#found.size, tuned: Object.keys(this.#tuned()).length };
  }

  /** Whether a product need not be measured: it was, or was skipped. */
  has(product: Product): boolean {
    const key = productKey(product);
    return this.#found.has(key) || this.#skipped.has(key);
  }

  /** Skips a product until the results are opened again. */
  leaveOut(product: Product): void {
    this.#skipped.add(productKey(product));
  }

  /** @param best null for the default */
  set(product: Product, best: MatmulVariant | null): void {
    this.#found.set(productKey(product), best);
  }

  /** The kernels for a run; later results do not change them. */
  choices(): TunedChoices {
    return new TunedChoices(this.#tuned());
  }

  /** Writes the results, preserving those of other adapters. Throws what the folder throws. */
  async save(): Promise<void> {
    if (!this.#folder) return;
    const results = await readResults(this.#folder);
    results[this.#adapter] = { ...results[this.#adapter], ...Object.fromEntries(this.#found) };
    await writeText(this.#folder, FILE, `${JSON.stringify(results, null, 1)}\n`);
  }

  #tuned(): Record<string, string> {
    const tuned: Record<string, string> = {};
    for (const [key, best] of this.#found) if (best !== null) tuned[key] = best;
    return tuned;
  }
}

async function readResults(folder: WritableFolder): Promise<Results> {
  const json = await readJson(folder, FILE).catch(() => null);
  return isResults(json) ? json : {};
}

function isResults(json: unknown): json is Results {
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
 * Identifies what tuning results are valid for: the adapter, its driver, and the measured shaders.
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

/** A checksum of everything that matmul kernels are compiled from. */
function kernelsVersion(shaders: Record<string, string>): string {
  const problem = problemOf({ layout: 'NT', m: 512, n: 512, k: 512, a: 'f16', c: 'f16', w: 'f16' });
  const variants = Object.keys(matmulVariants) as MatmulVariant[];
  const kernels = variants.map((variant) => [variant, matmulKernel(variant, problem, 32)]);
  const sources = Object.entries(shaders).filter(([name]) => name.startsWith('matmul_'));
  return fnv1a(JSON.stringify([kernels, sources]));
}

/** FNV-1a in 32 bits; only distinguishes versions. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A browser's name and major version from its user agent: a new version has another shader compiler. */
export function browserName(userAgent: string): string {
  return /(Edg|Firefox|Chrome|Version)\/\d+/.exec(userAgent)?.[0] ?? userAgent;
}
