import type { Recipe } from '../../base/config/recipe.ts';
import { productKey, type KernelChoices, type Product } from '../gpu/choices.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import type { Streaming } from '../model/weights/streaming.ts';
import type { DataShapes } from '../train/largestBatch.ts';
import { kernelsOfRun } from '../train/memoryPlan.ts';

/** Chooses nothing, and records the products asked for: the first of each tuning key. */
class RecordedProducts implements KernelChoices {
  readonly products = new Map<string, Product>();
  readonly used = {};

  variantOf(product: Product): undefined {
    const key = productKey(product);
    if (!this.products.has(key)) this.products.set(key, { ...product });
  }
}

/**
 * The products of a run, smallest first, from a dry run like that of its memory plan. Throws what `planMemory` throws.
 */
export async function productsOfRun(
  files: ModelFiles,
  recipe: Recipe,
  gpu: GpuLimits,
  data: DataShapes | null,
  streaming: Streaming,
): Promise<Product[]> {
  const choices = new RecordedProducts();
  // A device's properties are not all its own: they are named, not spread.
  const { maxBinding, hasF16, subgroupSize, hasSubgroups, kernelKind, description } = gpu;
  const limits = { maxBinding, hasF16, subgroupSize, hasSubgroups, kernelKind, description, choices };
  await kernelsOfRun(files, recipe, limits, data, streaming);
  return [...choices.products.values()].sort((a, b) => flopsOf(a) - flopsOf(b));
}

/** FLOPs of a product, counting a multiply-add as two. */
export function flopsOf({ m, n, k }: Product): number {
  return 2 * m * n * k;
}
