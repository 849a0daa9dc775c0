import { orthonormalize } from '../../../base/algebra/orthonormalize.ts';
import { decodeFloats, floatSize } from '../../../base/lib/floats.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { isOlora } from '../../../content/formats/peftConfig.ts';
import type { PeftAdapter, PeftConfig, PeftModule } from '../../../content/formats/peft.ts';
import type { ModelFiles } from '../spec/openModel.ts';

/**
 * An OLoRA adapter as plain LoRA of twice the rank. When PEFT loads one, it takes s · Qr · Rr from the weights, where
 * QR is the decomposition of W and Qr, Rr its first r columns and rows; and s · [B | −Qr] · [A ; Rr] does both at once
 * (peft, `subtract_mutated_init`). Qr depends on the first r columns of W alone, and Rr is Qrᵀ W. PEFT rounds the
 * weights that remain to their dtype; here they are not rounded. Other adapters are returned as they are.
 * Throws `model.adapter_olora` for a quantized base.
 */
export async function plainOlora(files: ModelFiles, peft: PeftAdapter): Promise<PeftAdapter> {
  if (!isOlora(peft.config)) return peft;
  const modules = new Map<string, PeftModule>();
  for (const [name, module] of peft.modules) {
    const w = await weightsOf(files, name);
    modules.set(name, withoutStart(module, w));
  }
  return { ...peft, config: doubled(peft.config), modules };
}

async function weightsOf({ matrices, checkpoint, spec }: ModelFiles, module: string): Promise<Float32Array> {
  const stored = matrices.get(module) ?? matrices.get(spec.names.embedding);
  if (stored?.kind !== 'float') throw new GraftError('model.adapter_olora', { module });
  const { tensor, dtype } = stored;
  floatSize(dtype, tensor);
  return decodeFloats(await checkpoint.read(tensor), dtype, tensor);
}

/** @param w [out, in] */
function withoutStart(module: PeftModule, w: Float32Array): PeftModule {
  const { rank, a, b, inFeatures, outFeatures } = module;
  const columns = orthonormalColumns(w, outFeatures, inFeatures, rank);
  const both = new Float32Array(2 * rank * inFeatures);
  both.set(a);
  const row = new Float64Array(inFeatures);
  columns.forEach((q, k) => {
    row.fill(0);
    for (let out = 0; out < outFeatures; out++) {
      const factor = q[out]!;
      const start = out * inFeatures;
      for (let i = 0; i < inFeatures; i++) row[i]! += factor * w[start + i]!;
    }
    both.set(row, (rank + k) * inFeatures);
  });
  const wide = new Float32Array(2 * rank * outFeatures);
  for (let out = 0; out < outFeatures; out++) {
    wide.set(b.subarray(out * rank, (out + 1) * rank), 2 * out * rank);
    columns.forEach((q, k) => (wide[(2 * out + 1) * rank + k] = -q[out]!));
  }
  return { ...module, rank: 2 * rank, a: both, b: wide };
}

/** An orthonormal basis of the first `count` columns of a matrix [rows, cols]. */
function orthonormalColumns(w: Float32Array, rows: number, cols: number, count: number): Float64Array[] {
  const basis = Array.from({ length: Math.min(count, rows, cols) }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => w[row * cols + column]!),
  );
  orthonormalize(basis);
  return basis;
}

/** The config of twice the rank and the same scales. */
function doubled(config: PeftConfig): PeftConfig {
  const twice = config.use_rslora ? Math.SQRT2 : 2;
  const times = (pattern: Record<string, number> | null | undefined, factor: number) =>
    Object.fromEntries(Object.entries(pattern ?? {}).map(([key, value]) => [key, factor * value]));
  return {
    ...config,
    r: 2 * config.r,
    lora_alpha: twice * config.lora_alpha,
    rank_pattern: times(config.rank_pattern, 2),
    alpha_pattern: times(config.alpha_pattern, twice),
    init_lora_weights: true,
  };
}
