import type { Gpu } from '../gpu/device.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { attentionCases, attentionOverLengths } from './attentionCases.ts';
import { speedShapes, type SpeedCase, type SpeedShapes } from './cases.ts';
import type { Ceilings } from './ceilings.ts';
import { measureDecoding } from './decodingSpeed.ts';
import type { BenchmarkExtent, DeviceBenchmark } from './deviceBenchmark.ts';
import { measureCase } from './kernelSpeed.ts';
import { gemvCases, matmulCases } from './matmulCases.ts';
import {
  measureStep,
  quickStep,
  randomModelOf,
  smallStep,
  stepFlops,
  stepModels,
  type StepModel,
  type StepShape,
} from './stepSpeed.ts';
import { streamCases } from './streamCases.ts';
import type { TimingLimits } from './timing.ts';
import { measureTransfers } from './transferSpeed.ts';

/** What a measurement works with, and the result that it adds to. */
export interface Measuring {
  gpu: Gpu;
  limits: TimingLimits;
  ceilings: Ceilings;
  result: DeviceBenchmark;
}

/** One measurement of a benchmark. */
export interface Measurement {
  name: string;
  /** About how many seconds it takes on a device with these ceilings. */
  expected(ceilings: Ceilings): number;
  /** Bytes of its largest tensor. */
  largest?: number;
  run(measuring: Measuring): Promise<void>;
}

/** FLOP/s from which an adapter gets longer micro-batches and larger models. */
const FAST = 3e11;
/** FLOP/s below which full shapes would take minutes. */
const SLOW = 3e9;

/** Tokens of the steps that are measured, and of the rows that attention is measured over. */
const STEP_TOKENS = [512, 2048, 4096];
const LENGTHS = [512, 1024, 2048, 4096, 8192];

const MIB = 2 ** 20;

/**
 * What to measure on an adapter of this speed, what matters most first, and at which shapes.
 * @param flopsPerSecond its ceiling of multiply-adds
 */
export function measurementsFor(
  extent: BenchmarkExtent,
  flopsPerSecond: number,
): { shapes: SpeedShapes[]; measurements: Measurement[] } {
  const quick = extent === 'quick';
  const small = { ...speedShapes.small, tokens: 128 };
  if (quick || flopsPerSecond < SLOW) {
    return {
      shapes: [small],
      measurements: [
        step(quick ? quickStep : smallStep, once(randomModelOf), quick ? 1 : 4),
        ...kernels(small, quick),
        ...overLengths(small, quick ? [32, 64] : [128, 256, 512]),
        ...decoding(quickStep, once(randomModelOf), { prompt: 8, answer: 8 }),
        transfers(8 * MIB),
      ],
    };
  }
  const tokens = flopsPerSecond < FAST ? 128 : 2048;
  const of = (shapes: Omit<SpeedShapes, 'tokens'>): SpeedShapes => ({ ...shapes, tokens });
  const [qwen, qwen15, qwen7] = [of(speedShapes.qwen), of(speedShapes.qwen15), of(speedShapes.qwen7)];
  const first = [step(smallStep, once(randomModelOf), 4)];
  const last = [
    ...decoding(stepModels.qwen, once(randomModelOf), { prompt: 512, answer: 64 }),
    transfers(64 * MIB),
  ];
  if (flopsPerSecond < FAST) {
    const lengths = LENGTHS.slice(0, 2);
    return {
      shapes: [qwen],
      measurements: [...first, ...kernels(qwen, false), ...overLengths(qwen, lengths), ...last],
    };
  }
  return {
    shapes: [qwen, qwen7, qwen15],
    measurements: [
      ...first,
      ...steps(stepModels.qwen),
      ...kernels(qwen, false),
      ...overLengths(qwen, LENGTHS),
      ...last,
      ...steps(stepModels.qwen7),
      ...kernels(qwen7, false),
      ...overLengths(qwen7, LENGTHS),
      ...steps(stepModels.qwen15),
      ...kernels(qwen15, false),
    ],
  };
}

/** The kernels of a step at the shapes of a model. */
function kernels(shapes: SpeedShapes, quick: boolean): Measurement[] {
  const cases = [
    ...matmulCases(shapes, quick),
    ...gemvCases(shapes, quick),
    ...attentionCases(shapes),
    ...streamCases(shapes, quick),
  ];
  return cases.map((one) => kernel(shapes.name, one));
}

/** Attention over rows of other lengths than the shapes have. */
function overLengths(shapes: SpeedShapes, lengths: readonly number[]): Measurement[] {
  const others = lengths.filter((length) => length !== shapes.tokens);
  return attentionOverLengths(shapes, others).map((one) => kernel(shapes.name, one));
}

function kernel(of: string, one: SpeedCase): Measurement {
  return {
    name: [one.kernel, one.shape, one.format, `(${of})`].filter(Boolean).join(' '),
    largest: one.largest,
    // A kernel reaches a tenth of the ceiling at least, and runs a few times.
    expected: ({ multiplyAdd }) => 0.5 + (5 * (one.flops ?? 0)) / (0.1 * multiplyAdd.flopsPerSecond),
    async run({ gpu, limits, ceilings, result }) {
      result.kernels.push(await measureCase(gpu, of, one, ceilings, limits));
    },
  };
}

/** A LoRA and a QLoRA step at each number of tokens, the shortest first. */
function steps(model: StepModel): Measurement[] {
  const files = once(randomModelOf);
  return STEP_TOKENS.flatMap((tokens) =>
    (['lora', 'qlora'] as const).map((method) =>
      step({ ...model, tokens, recipe: { method, rank: 16 } }, files, 2),
    ),
  );
}

function step(
  shape: StepShape,
  files: (model: StepModel) => Promise<ModelFiles>,
  budget: number,
): Measurement {
  const method = shape.recipe.method === 'qlora' ? 'QLoRA' : 'LoRA';
  return {
    name: `${method} step of ${shape.name}, ${shape.tokens} tokens`,
    expected: ({ multiplyAdd }) => 2 + budget + (4 * stepFlops(shape)) / (0.1 * multiplyAdd.flopsPerSecond),
    async run({ gpu, limits: { signal }, result }) {
      result.steps.push(await measureStep(gpu, shape, { budget, signal, model: await files(shape) }));
    },
  };
}

function decoding(
  model: StepModel,
  files: (model: StepModel) => Promise<ModelFiles>,
  length: { prompt: number; answer: number },
): Measurement[] {
  return (['lora', 'qlora'] as const).map((method) => ({
    name: `an answer of ${model.name}, ${method === 'qlora' ? 'NF4' : 'BF16'}`,
    expected: () => 5,
    async run({ gpu, limits: { signal }, result }) {
      result.decoding.push(await measureDecoding(gpu, await files(model), model, method, length, signal));
    },
  }));
}

function transfers(bytes: number): Measurement {
  return {
    name: 'transfers',
    expected: () => 2,
    largest: bytes,
    async run({ gpu, limits: { signal }, result }) {
      result.transfers = await measureTransfers(gpu, bytes, signal);
    },
  };
}

/** Makes a model on first use, for all measurements of it. */
function once(make: typeof randomModelOf): typeof randomModelOf {
  let made: ReturnType<typeof randomModelOf> | undefined;
  return (model) => (made ??= make(model));
}
