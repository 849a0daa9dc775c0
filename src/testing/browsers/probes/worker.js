// A worker that doubles four numbers on the GPU and writes a file into the origin's private file system.
const code = /* wgsl */ `
  @group(0) @binding(0) var<storage, read_write> x: array<f32>;
  @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] *= 2.0; }`;

async function compute() {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const buffer = device.createBuffer({
    size: 16,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
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
  return {
    doubled: [...new Float32Array(staging.getMappedRange())],
    f16: adapter.features.has('shader-f16'),
  };
}

async function writePrivateFile() {
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle('probe', { create: true });
  const handle = await file.createSyncAccessHandle();
  handle.truncate(0);
  handle.write(Uint8Array.of(1, 2, 3));
  handle.flush();
  const size = handle.getSize();
  handle.close();
  return size;
}

try {
  postMessage({
    ...(await compute()),
    privateFileBytes: await writePrivateFile(),
    isolated: self.crossOriginIsolated,
  });
} catch (error) {
  postMessage({ error: String(error) });
}
