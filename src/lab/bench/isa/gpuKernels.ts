import { defaultRecipe, type Recipe } from '../../../base/config/recipe.ts';
import { specialize } from '../../../engine/gpu/assemble.ts';
import type { Commands } from '../../../engine/gpu/commands.ts';
import { DryGpu, type GpuLimits } from '../../../engine/gpu/dryGpu.ts';
import { kernelKey, type KernelUse } from '../../../engine/gpu/kernel.ts';
import { attention, attentionBackward } from '../../../engine/kernels/attention.ts';
import { gemv } from '../../../engine/kernels/gemv.ts';
import { matmul } from '../../../engine/kernels/matmul.ts';
import type { MatmulLayout } from '../../../engine/kernels/matmulVariants.ts';
import type { WeightChunk } from '../../../engine/kernels/weight.ts';
import { openModelFiles } from '../../../engine/model/spec/openModel.ts';
import { Inputs } from '../../../engine/speed/inputs.ts';
import { kernelsOfRun } from '../../../engine/train/memoryPlan.ts';
import { readShaders } from '../../../hosts/node/shaders.ts';
import { headerModel, qwen25 } from '../../../testing/headerModel.ts';
import { publishedModels } from '../../../testing/publishedModels.ts';
import type { Case } from './case.ts';
import { mixerCases } from './mixerCases.ts';

/** A kernel that a step takes on a GPU. */
export interface GpuKernel extends KernelUse {
  /** What it does and on what: “product NT, NF4”, unique. */
  title: string;
  wgsl: string;
}

/** Head dimensions that attention is compiled for: those of published models. */
const HEAD_DIMS = [64, 80, 96, 128, 256];

/** Tokens of a micro-batch: enough for the largest tiles, and of the runs: the tiles of short rows. */
const TOKENS = 4096;
const RUN_TOKENS = 512;

/** Runs whose kernels are listed: by name, their recipes. */
const runs: Record<string, Partial<Recipe>> = {
  LoRA: { method: 'lora', dtype: 'f32', dropout: 0.05 },
  'LoRA in f16': { method: 'lora', dtype: 'f16' },
  QLoRA: { method: 'qlora', dtype: 'f32', double_quant: true, optimizer: 'adamw_8bit' },
  full: { method: 'full', dtype: 'f32' },
};

/**
 * The kernels that training and decoding take on an adapter that is like a GPU: its subgroups have several sizes, as
 * AMD's, Intel's and Apple's do, or one that is no CPU's vector. They are recorded by dry runs of the engine's own code.
 */
export async function gpuKernels({ subgroupSize = null }: { subgroupSize?: number | null } = {}): Promise<
  GpuKernel[]
> {
  const features = { hasF16: true, hasSubgroups: true, subgroupSize };
  const limits: GpuLimits = { maxBinding: 2 ** 31 - 4, ...features, description: 'a GPU' };
  const shaders = readShaders();
  const found = new Map<string, GpuKernel>();
  const add = ({ name, constants }: KernelUse, title: string): void => {
    const key = kernelKey(name, constants);
    if (found.has(key)) return;
    const wgsl = specialize(name, shaders[name]!, constants);
    const same = [...found.values()].filter((other) => `${other.title} (`.startsWith(`${title} (`)).length;
    found.set(key, { name, constants, title: same ? `${title} (${same + 1})` : title, wgsl });
  };
  for (const { title, record } of cases()) {
    const uses = recorded(limits, record);
    for (const use of uses) add(use, uses.length > 1 ? `${title}, ${use.name}` : title);
  }
  const files = await openModelFiles(headerModel(qwen25['0.5B']));
  for (const [run, changes] of Object.entries(runs)) {
    const recipe = { ...defaultRecipe(), max_length: RUN_TOKENS, batch_size: 1, ...changes };
    for (const use of await kernelsOfRun(files, recipe, limits, null)) add(use, `${run}: ${textOf(use)}`);
  }
  for (const [model, config] of Object.entries(publishedModels)) {
    const files = await openModelFiles(headerModel(fewLayers(config)));
    for (const method of ['lora', 'full'] as const) {
      const recipe = {
        ...defaultRecipe(),
        max_length: RUN_TOKENS,
        batch_size: 1,
        dtype: 'f32',
        method,
      } as const;
      for (const use of await kernelsOfRun(files, recipe, limits, null)) add(use, `${model}: ${textOf(use)}`);
    }
  }
  return [...found.values()];
}

/** A model's first layers: one of each of its kinds is among them, and more take no other kernels. */
function fewLayers(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { layer_types: types, num_hidden_layers: layers, full_attn_idxs: attention } = config;
  const few = Math.min(Number(layers), 6);
  return {
    ...config,
    num_hidden_layers: few,
    ...(Array.isArray(types) && { layer_types: types.slice(0, few) }),
    ...(Array.isArray(attention) && { full_attn_idxs: attention.filter((layer) => layer < few) }),
  };
}

function* cases(): Generator<Case> {
  for (const format of ['f32', 'bf16', 'f16', 'nf4', 'int4'] as const)
    for (const layout of ['NT', 'NN'] as const) yield product(layout, format);
  yield product('TN', 'f32');
  for (const format of ['bf16', 'f16', 'nf4', 'int4'] as const) yield decodingProduct(format);
  for (const headDim of HEAD_DIMS) {
    for (const type of ['f32', 'f16'] as const) {
      const title = `heads of ${headDim}${type === 'f16' ? ', f16' : ''}`;
      yield { title: `attention, ${title}`, record: (...to) => forward(...to, headDim, type) };
      yield { title: `attention backward, ${title}`, record: (...to) => backward(...to, headDim, type) };
    }
    yield {
      title: `attention in decoding, heads of ${headDim}`,
      record: (...to) => forward(...to, headDim, 'f32', 1),
    };
  }
  yield* mixerCases();
}

/** A product of a layer whose sizes are those of Qwen2.5-0.5B. */
function product(layout: MatmulLayout, format: 'f32' | 'bf16' | 'f16' | 'nf4' | 'int4'): Case {
  const [m, n, k] = layout === 'TN' ? [896, 896, TOKENS] : [TOKENS, 4864, 896];
  const [rows, cols] = layout === 'NT' ? [n, k] : [k, n];
  return {
    title: `product ${layout}, ${format === 'nf4' ? 'NF4' : format}`,
    record(commands, inputs) {
      const a = inputs.empty(layout === 'TN' ? [k, m] : [m, k]);
      const w = format === 'f32' ? inputs.empty([rows, cols]) : inputs.weight(format, rows, cols);
      matmul(commands, { layout, a, w, c: inputs.empty([m, n]), m, n, k });
    },
  };
}

function decodingProduct(format: 'bf16' | 'f16' | 'nf4' | 'int4'): Case {
  return {
    title: `product in decoding, ${format === 'nf4' ? 'NF4' : format}`,
    record(commands, inputs) {
      const w = inputs.weight(format, 4864, 896) as WeightChunk;
      gemv(commands, { x: inputs.empty([896]), w, n: 4864, y: inputs.empty([4864]) });
    },
  };
}

function attentionInputs(inputs: Inputs, headDim: number, type: 'f32' | 'f16', rows: number) {
  const [heads, kvHeads] = [14, 2];
  return {
    q: inputs.empty([rows, heads, headDim], type),
    k: inputs.empty([TOKENS, kvHeads, headDim], type),
    v: inputs.empty([TOKENS, kvHeads, headDim], type),
    o: inputs.empty([rows, heads, headDim], type),
    lse: inputs.empty([rows, heads]),
    segmentStart: inputs.empty([rows], 'u32'),
    rows,
    heads,
    kvHeads,
    headDim,
    window: 0,
    scale: headDim ** -0.5,
  };
}

function forward(
  commands: Commands,
  inputs: Inputs,
  headDim: number,
  type: 'f32' | 'f16',
  rows = TOKENS,
): void {
  attention(commands, { ...attentionInputs(inputs, headDim, type, rows), queryOffset: TOKENS - rows });
}

function backward(commands: Commands, inputs: Inputs, headDim: number, type: 'f32' | 'f16'): void {
  const tensors = attentionInputs(inputs, headDim, type, TOKENS);
  const { heads, kvHeads } = tensors;
  attentionBackward(commands, {
    ...tensors,
    dO: inputs.empty([TOKENS, heads, headDim]),
    delta: inputs.empty([TOKENS, heads, 2]),
    dQ: inputs.empty([TOKENS, heads, headDim]),
    dK: inputs.empty([TOKENS, kvHeads, headDim]),
    dV: inputs.empty([TOKENS, kvHeads, headDim]),
    segmentEnd: inputs.empty([TOKENS], 'u32'),
  });
}

function recorded(limits: GpuLimits, record: Case['record']): KernelUse[] {
  const gpu = new DryGpu(limits, { recordsKernels: true });
  const inputs = new Inputs(gpu);
  record(gpu.commands(), inputs);
  inputs.dispose();
  gpu.destroy();
  return gpu.kernelUses;
}

/** Constants that do not show what a kernel is for: sizes that follow from the tile's, and how elements are read. */
const DETAILS = new Set(
  'Q4 BLOCK ALIGNED NESTED_BLOCK VEC VEC_A VEC_C WG BK TM TV PM PN HELD TA TW LANES PER_LANE COLUMNS PARTS ROUND STEP UNROLL CHUNK ROW_LOADS OTHER_LOADS VALUE_LOADS'.split(
    ' ',
  ),
);

/** A kernel by its shader and what distinguishes it. */
function textOf({ name, constants }: KernelUse): string {
  const values = Object.entries(constants)
    .filter(([key, value]) => value !== false && !DETAILS.has(key))
    .map(([key, value]) => (value === true ? key : `${key}=${value}`));
  return [name, ...values].join(' ');
}
