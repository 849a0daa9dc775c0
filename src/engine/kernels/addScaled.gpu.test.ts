import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { addScaled } from './addScaled.ts';
import { addScaledRef } from './addScaled.ref.ts';

const types: [ElementType, ElementType][] = [
  ['f32', 'f32'],
  ['f32', 'f16'],
  ['f16', 'f32'],
];

describe.each([1, 63, 257, 1000])('addScaled of %i', (count) => {
  it.for(types)('equals the reference, x %s, y %s', async ([typeX, typeY], context) => {
    const gpu = await testGpu();
    if (typeX === 'f16' || typeY === 'f16') needF16(context, gpu);
    const values = asStored(randomArray(1, count), typeX);
    const x = tensorOf(gpu, values, [count], typeX);
    const residual = randomArray(2, count);
    const within = toleranceOf(typeY, { atol: 1e-7, rtol: 1e-6 });
    const apart = zeros(gpu, [count], typeY);
    const added = zeros(gpu, [count], typeY);
    submit(gpu, (commands) => {
      addScaled(commands, { x, y: apart, count, scale: 1 / 3 });
      const options = { x, count, scale: 0.22, residual: tensorOf(gpu, residual, [count]) };
      addScaled(commands, { ...options, y: added });
    });
    expectClose(await readFloats(gpu, apart), addScaledRef(values, 1 / 3), within);
    expectClose(await readFloats(gpu, added), addScaledRef(values, 0.22, residual), within);
    if (typeY === 'f16') return;
    const inPlace = tensorOf(gpu, residual, [count]);
    submit(gpu, (commands) => addScaled(commands, { x, y: inPlace, residual: inPlace, count, scale: 0.22 }));
    expect(await readFloats(gpu, inPlace)).toEqual(await readFloats(gpu, added));
  });
});
