// Compiles WGSL files, one after another, with a Dawn that writes the SPIR-V it hands to the Vulkan driver to the standard
// output. Usage: dumpSpirv.ts FILE.wgsl…
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';
import { lavapipeEnvironment } from '../../../hosts/node/lavapipe.ts';
import { entryPointOf } from './spirv.ts';

Object.assign(process.env, lavapipeEnvironment(process.env));
Object.assign(globalThis, globals);
// Kept on globalThis: Dawn crashes once it is collected.
const kept = globalThis as typeof globalThis & { gpu?: GPU };
kept.gpu = create(['enable-dawn-features=dump_shaders']);
setInterval(() => undefined, 60_000);
const adapter = await kept.gpu.requestAdapter();
if (!adapter) throw new Error('Dawn has found no adapter');
const { limits, features } = adapter;
const device = await adapter.requestDevice({
  requiredFeatures: (['shader-f16', 'subgroups'] as const).filter((feature) => features.has(feature)),
  requiredLimits: {
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  },
});
for (const file of process.argv.slice(2)) {
  const code = readFileSync(file, 'utf8');
  const compute = { module: device.createShaderModule({ code }), entryPoint: entryPointOf(code) };
  await device.createComputePipelineAsync({ layout: 'auto', compute }).catch((error: unknown) => {
    console.error(`${file}: ${String(error)}`);
    process.exit(1);
  });
}
process.exit(0);
