import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { flatGroups } from './grid.ts';

/**
 * Cross-entropy of a chunk of rows, in f32: losses[lossOffset + i] = lse(logits[i]) − logits[i, targets[i]];
 * with `backward` the logits are overwritten by (softmax − onehot) · scale.
 * @param logits [rows, stride] f32; the first `vocab` ≤ stride of every row count
 * @param targets [rows] u32, each below `vocab`
 * @param losses f32, at least lossOffset + rows
 * @param scale 1 / (target tokens of the whole optimizer step)
 * @param threads of a workgroup, a power of two
 */
export function crossEntropy(
  commands: Commands,
  options: {
    logits: Tensor;
    targets: Tensor;
    losses: Tensor;
    rows: number;
    vocab: number;
    scale: number;
    lossOffset: number;
    backward: boolean;
    threads?: number;
  },
): void {
  const { logits, targets, losses, rows, vocab, scale, lossOffset, backward, threads = 256 } = options;
  const stride = logits.shape.at(-1) ?? vocab;
  assert(vocab <= stride, `cross-entropy over ${vocab} logits in rows of ${stride}`);
  assert(
    lossOffset + rows <= elementsOf(losses),
    `losses ${lossOffset}…${lossOffset + rows} leave their tensor`,
  );
  const params = { rows, vocab, stride, scale, loss_offset: lossOffset };
  const constants = { WG: threads, BACKWARD: backward };
  commands.run('cross_entropy', constants, { logits, targets, losses }, params, flatGroups(rows));
}
