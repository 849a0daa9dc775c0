import type { Recipe } from '../config/recipe.ts';
import { productKey, type KernelChoices, type Product } from '../gpu/choices.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { Streaming } from '../model/streaming.ts';
import type { DataShapes } from '../train/largestBatch.ts';
import { kernelsOfRun } from '../train/memoryPlan.ts';

/** Chooses nothing, and keeps what it was asked for: of products that the tuner takes for one, the first. */
class NotedProducts implements KernelChoices {
  readonly products = new Map<string, Product>();
  readonly used = {};

  variantOf(product: Product): undefined {
    const key = productKey(product);
    if (!this.products.has(key)) this.products.set(key, { ...product });
  }
}

/** The products of a run, the smallest first, told as its plan is. Throws what `planMemory` throws. */
export async function productsOfRun(
  files: ModelFiles,
  recipe: Recipe,
  { maxBinding, hasF16, subgroupSize, description }: GpuLimits,
  data: DataShapes | null,
  streaming: Streaming,
): Promise<Product[]> {
  const choices = new NotedProducts();
  const limits = { maxBinding, hasF16, subgroupSize, description, choices };
  await kernelsOfRun(files, recipe, limits, data, streaming);
  return [...choices.products.values()].sort((a, b) => flopsOf(a) - flopsOf(b));
}

/** Operations of a product, a multiply-add being two. */
export function flopsOf({ m, n, k }: Product): number {
  return 2 * m * n * k;
}
