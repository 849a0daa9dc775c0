import type { Tensor } from '../../gpu/tensor.ts';
import { embedding, embeddingBackward } from '../../kernels/embedding.ts';
import { embeddingNoise } from '../../kernels/embeddingNoise.ts';
import type { Weight } from '../../kernels/weight.ts';
import { normBackward, normForward } from './norm.ts';
import type { Pass } from './pass.ts';

/**
 * The input of the first block: rows of the embedding times its factor, and in some families their norm.
 * @param tokens [T] u32: rows of weight
 * @param y [T, d] f32
 */
export function embed(
  pass: Pass,
  { weight, tokens, y }: { weight: Weight; tokens: Tensor; y: Tensor },
): void {
  const { spec, rows } = pass;
  if (!spec.embeddingNorm) {
    lookUp(pass, { weight, tokens, y });
    return;
  }
  const { x, rstd } = normed(pass);
  lookUp(pass, { weight, tokens, y: x });
  normForward(pass, { x, weight: null, y, rstd, rows });
}

/** Rows of the embedding times its factor, with the pass's noise. */
function lookUp(pass: Pass, { weight, tokens, y }: { weight: Weight; tokens: Tensor; y: Tensor }): void {
  const { commands, spec, rows, noise, segmentStart, segmentEnd } = pass;
  const multiplier = spec.embeddingMultiplier;
  embedding(commands, { weight, tokens, y, rows, multiplier });
  if (!noise) return;
  const of = { y, segmentStart, segmentEnd, rows, columns: spec.hiddenSize };
  embeddingNoise(commands, { ...of, seed: noise.seed, alpha: noise.alpha * multiplier });
}

/**
 * Adds the gradient of a trained embedding.
 * @param weight the embedding, @param gradient of its shape
 * @param dHidden [T, d] f32, the gradient of the first block's input
 */
export function embedBackward(
  pass: Pass,
  { weight, gradient, dHidden }: { weight: Weight; gradient: Weight; dHidden: Tensor },
): void {
  const { commands, workspace, spec, rows, tokens, tokenPositions: at } = pass;
  if (!at) return;
  const multiplier = spec.embeddingMultiplier;
  let dy = dHidden;
  if (spec.embeddingNorm) {
    // Other micro-batches may have overwritten what the norm read.
    const { x, rstd } = normed(pass);
    lookUp(pass, { weight, tokens, y: x });
    dy = workspace.get('dBranch', 'f32', [rows, spec.hiddenSize]);
    normForward(pass, { x, weight: null, y: dy, rstd, rows });
    const norm = { dy: dHidden, x, weight: null, rstd, rows, gradient: null };
    normBackward(pass, { ...norm, dx: dy, accumulate: false });
  }
  embeddingBackward(commands, { dy, at, gradient, multiplier });
}

/** What the norm of the embedding reads and computes besides. */
function normed({ workspace, spec, rows }: Pass): { x: Tensor; rstd: Tensor } {
  return {
    x: workspace.get('embedded', 'f32', [rows, spec.hiddenSize]),
    rstd: workspace.get('embedded rstd', 'f32', [rows, 1]),
  };
}
