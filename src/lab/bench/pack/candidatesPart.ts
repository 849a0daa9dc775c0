import type { Product } from '../../../engine/gpu/choices.ts';
import {
  matmulCandidates,
  matmulVariants,
  problemOf,
  type MatmulVariant,
} from '../../../engine/kernels/matmulVariants.ts';
import { speedShapes } from '../../../engine/speed/cases.ts';
import { tuneProduct } from '../../../engine/tuning/tuneProduct.ts';
import { openDevice } from './openDevice.ts';
import type { PartReport } from './partReport.ts';
import type { PartQuestion } from './parts.ts';

/** Kernels of subgroups that are a processor's vectors are compiled for seconds, and no GPU takes them. */
const variants = (Object.keys(matmulVariants) as MatmulVariant[]).filter(
  (name) => !name.startsWith('subgroup'),
);

/** Times every kernel that could compute a product, not only the tuner's candidates. */
export async function measureCandidates({ extent }: PartQuestion, report: PartReport): Promise<void> {
  const gpu = await openDevice();
  const found = (report.result.candidates = [] as NonNullable<typeof report.result.candidates>);
  for (const product of products(extent === 'quick')) {
    const name = nameOf(product);
    report.begin(name);
    if (report.left <= 0) {
      report.skip(`kernels for ${name}`);
      continue;
    }
    const [usual] = matmulCandidates(problemOf(product), gpu);
    const others = variants.filter((variant) => variant !== usual);
    const { trials } = await tuneProduct(gpu, product, new AbortController().signal, [usual!, ...others]);
    for (const { variant, seconds, equal } of trials)
      found.push({ product: name, variant, seconds, equal, default: variant === usual });
  }
  gpu.destroy();
}

function nameOf({ layout, m, n, k, a, w }: Product): string {
  return `${layout} ${m} × ${n} × ${k}, ${a} × ${w}`;
}

function products(quick: boolean): Product[] {
  const floats = { a: 'f32', c: 'f32' } as const;
  if (quick) return [{ layout: 'NT', m: 64, n: 128, k: 128, ...floats, w: 'nf4' }];
  return [speedShapes.qwen7, speedShapes.qwen].flatMap(({ hidden, ffn, rank }) => {
    const m = 2048;
    const dense = (['nf4', 'bf16'] as const).flatMap((w) => [
      { layout: 'NT', m, n: ffn, k: hidden, ...floats, w } as const,
      { layout: 'NN', m, n: hidden, k: ffn, ...floats, w } as const,
      { layout: 'NT', m, n: hidden, k: hidden, ...floats, w } as const,
    ]);
    return [
      ...dense,
      { layout: 'NT', m, n: rank, k: hidden, ...floats, w: 'f32' },
      { layout: 'TN', m: ffn, n: rank, k: m, ...floats, w: 'f32' },
      { layout: 'TN', m: hidden, n: hidden, k: m, ...floats, w: 'f32' },
    ] satisfies Product[];
  });
}
