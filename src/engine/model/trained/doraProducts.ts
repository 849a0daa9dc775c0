import type { Tensor } from '../../gpu/tensor.ts';
import { doraBackward, doraOutput, doraScales } from '../../kernels/dora.ts';
import { activation } from '../decoder/activations.ts';
import { addSums } from '../decoder/norm.ts';
import type { ParameterBuffers } from '../decoder/parameters.ts';
import type { LayerRef, Pass } from '../decoder/pass.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';
import type { GroupWeights } from '../weights/weights.ts';
import type { DoraGroup } from './loraGroup.ts';
import type { ActiveLora } from './loraProducts.ts';
import { rowsOf } from './weightRows.ts';

/** The output of a group's layers before DoRA scales it, without bias: z [T, width] f32. */
export function doraHidden(pass: Pass, { group }: LayerRef): Tensor {
  return activation(pass, `dora z ${group.name}`, 'f32', [pass.rows, group.width]);
}

/**
 * y = factors · z + bias (+ residual), with factors = m / ‖W + scale · B · A‖ computed first where the parameters have
 * changed. See `doraLinearRef` for the maths.
 */
export function doraForward(
  pass: Pass,
  ref: LayerRef,
  weights: GroupWeights,
  lora: ActiveLora & { group: { dora: DoraGroup } },
  { z, y, residual }: { z: Tensor; y: Tensor; residual: Tensor | null },
): void {
  const { commands, rows, strength } = pass;
  const { dora } = lora.group;
  if (dora.takeStale(strength)) computeScales(pass, ref.group, weights, lora);
  if (residual && residual.buffer !== y.buffer) commands.copy(residual, y);
  const { width: columns } = ref.group;
  const { factors } = dora.scales;
  doraOutput(commands, { z, factors, bias: weights.bias, y, rows, columns, accumulate: residual !== null });
}

/** The scales of a group for a pass's strength. */
export function computeScales(
  { commands }: Pick<Pass, 'commands'>,
  { linears, starts }: FusedGroup,
  weights: GroupWeights,
  { group, scaleOf }: Pick<ActiveLora, 'scaleOf'> & { group: ActiveLora['group'] & { dora: DoraGroup } },
): void {
  const { scales } = group.dora;
  for (const [i, { outFeatures: width }] of linears.entries()) {
    const pair = group.pairs[i];
    const start = starts[i]!;
    if (!pair?.magnitudes) continue;
    for (const { chunk, row: wRow, count: rows, start: out } of rowsOf(weights, { start, width })) {
      const { a, b, magnitudes } = pair;
      const at = { chunk, wRow, rows, row: out - start, out };
      doraScales(commands, { ...at, a, b, magnitudes, scale: scaleOf(pair), ...scales });
    }
  }
}

/**
 * dz = factors · dy, the gradient of z, with norms taken as constants; adds the gradient of the magnitudes. See
 * `doraLinearBackwardRef` for the maths.
 */
export function doraGradient(
  pass: Pass,
  ref: LayerRef,
  { dora }: { dora: DoraGroup },
  { dy, grads }: { dy: Tensor; grads: ParameterBuffers },
): Tensor {
  const { commands, workspace, rows } = pass;
  const { linears, starts, width: columns, name } = ref.group;
  const z = doraHidden(pass, ref);
  const dz = workspace.get(`dora dz ${name}`, 'f32', [rows, columns]);
  doraBackward(commands, { dy, z, ...dora.scales, dz, rows, columns });
  const gradients = pass.adapter!.group(ref.layer, ref.group, grads)!.pairs;
  for (const [i, { outFeatures }] of linears.entries()) {
    const sums = gradients[i]?.magnitudes;
    if (!sums) continue;
    addSums(pass, { dy: z, rows, columns: outFeatures, stride: columns, start: starts[i]!, sums });
  }
  return dz;
}
