import { describe, expect, it } from 'vitest';
import { compileKernels } from './compile.ts';
import { gpuKernels, type GpuKernel } from './gpuKernels.ts';
import { families, missingCompiler, type Family } from './toolchain.ts';

/** Adapters like AMD's, Intel's and Apple's, whose subgroups have several sizes, and like NVIDIA's. */
const subgroupSizes = [null, 32];

describe('the kernels of a GPU', () => {
  it('stay in registers: no spills, no scratch, no array indexed at run time', async ({ skip }) => {
    const missing = missingCompiler();
    skip(missing !== null, missing ?? '');
    const bySource = new Map<string, GpuKernel>();
    for (const subgroupSize of subgroupSizes) {
      for (const kernel of await gpuKernels({ subgroupSize })) bySource.set(kernel.wgsl, kernel);
    }
    // What several adapters share is compiled once.
    const kernels = [...bySource.values()];
    const ofFamilies = [
      'causal_convolution',
      'delta_rule',
      'gated_rms_norm',
      'output_gate',
      'route_tokens',
      'sort_by_expert',
    ];
    for (const name of [
      'matmul',
      'attention',
      'attention_backward_kv',
      'rms_norm',
      'adam_w',
      'gemv',
      ...ofFamilies,
    ])
      expect(kernels.filter((kernel) => kernel.name.startsWith(name))).not.toEqual([]);
    const compiled = compileKernels(kernels, Object.keys(families) as Family[]);
    const faults = compiled.flatMap(({ title, families: of, indexedAtRunTime }) => [
      ...indexedAtRunTime.map((array) => `${title}: an array (${array}) is indexed at run time`),
      ...Object.entries(of).flatMap(([family, { spills, scratch }]) => [
        ...(spills > 0 ? [`${title}: ${spills} registers spill on ${family}`] : []),
        ...(scratch > 0 ? [`${title}: ${scratch} bytes of scratch on ${family}`] : []),
      ]),
    ]);
    expect(faults).toEqual([]);
  });
});

describe('what is refused', () => {
  const kernel = (body: string): string => `
    @group(0) @binding(0) var<storage, read_write> data: array<f32>;
    const table = array<f32, 4>(1.0, 2.0, 4.0, 8.0);
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
      var kept: array<f32, 64>;
      ${body}
    }`;

  it.for([
    {
      what: 'an array written by a run-time index',
      body: 'kept[i] = data[0]; data[i] = kept[0];',
      arrays: 1,
    },
    {
      what: 'an array read by one',
      body: 'kept[1] = data[0]; kept[2] = data[1]; data[i] = kept[i % 4u];',
      arrays: 1,
    },
    {
      what: 'no constant index',
      body: 'kept[1] = data[i]; kept[2] = kept[1] * 2.0; data[i] = kept[2];',
      arrays: 0,
    },
    { what: 'no table of constants', body: 'data[i] = table[i % 4u];', arrays: 0 },
  ])('$what', ({ body, arrays }, { skip }) => {
    const missing = missingCompiler();
    skip(missing !== null, missing ?? '');
    const [compiled] = compileKernels([{ title: 'one', wgsl: kernel(body) }], ['RDNA 3']);
    expect(compiled!.indexedAtRunTime).toHaveLength(arrays);
  });
});
