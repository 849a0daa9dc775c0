import shaders from 'virtual:shaders';
import { expect, it } from 'vitest';
import { testGpu } from './gpu.ts';

it('the shared device is one device, and it computes', async () => {
  const gpu = await testGpu();
  expect((await testGpu()).device).toBe(gpu.device);
  const code = /* wgsl */ `
    @group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] *= 2.0; }`;
  const { device } = gpu;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: 16, usage });
  const staging = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer } }],
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, 16);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  expect([...new Float32Array(staging.getMappedRange())]).toEqual([2, 4, 6, 8]);
  staging.destroy();
  buffer.destroy();
});

it('virtual:shaders has every shader by name, with includes resolved', () => {
  expect(Object.keys(shaders)).toContain('rms_norm');
  for (const [name, source] of Object.entries(shaders)) {
    expect(source, name).toMatch(/@compute/);
    expect(source, name).not.toMatch(/^\s*\/\/#include/m);
  }
});
