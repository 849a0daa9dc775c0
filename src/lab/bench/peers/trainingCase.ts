import { decodeFloats } from '../../../base/lib/floats.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { openModelFiles, type ModelFiles } from '../../../engine/model/spec/openModel.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { writeRandomModel } from '../../../engine/speed/randomModel.ts';
import { shapes } from '../shapes.ts';

/** Tokens of the one training sequence. */
export const TOKENS = 512;

/** The common settings of LoRA and AdamW; without clipping. */
export const settings = {
  rank: 8,
  alpha: 16,
  lr: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.01,
} as const;

/** A matrix on the CPU, row-major. */
export interface Matrix {
  rows: number;
  cols: number;
  values: Float32Array<ArrayBuffer>;
}

/** A linear layer and its adapter. */
export interface Linear {
  /** [in, out]: the stored weight's transpose, for x · w. */
  w: Matrix;
  /** [in, rank] and [rank, out], transposes of A and B. */
  a: Matrix;
  b: Matrix;
}

export const linearNames = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;
export type LinearName = (typeof linearNames)[number];

/** A block of the decoder. */
export interface Layer {
  linears: Readonly<Record<LinearName, Linear>>;
  /** Norm weights before attention and MLP. */
  norms: readonly [Float32Array, Float32Array];
}

/** Everything a peer needs for the same training: a Llama with tied embeddings, and its sequence. */
export interface TrainingCase {
  heads: number;
  headDim: number;
  hiddenSize: number;
  vocabSize: number;
  normEps: number;
  /** Scale of the adapter: alpha / rank. */
  scale: number;
  layers: readonly Layer[];
  finalNorm: Float32Array;
  /** [vocab, hidden] */
  embedding: Matrix;
  /** [T] */
  tokens: Int32Array<ArrayBuffer>;
  /** [T, vocab]: 1 / (T − 1) at the next token, so that the loss is −Σ targets · log p. */
  targets: Matrix;
  /** [T, headDim / 2] each. */
  cos: Matrix;
  sin: Matrix;
}

/** A trainer of the case. */
export interface PeerTrainer {
  /** Runs one step; returns the mean loss before it. */
  step(): Promise<number>;
  dispose(): void;
}

/** The decoder as a model folder: 4 layers, width 256, MLP 1024, 4 heads, 512 tokens. */
export async function openTrainingModel(): Promise<ModelFiles> {
  const folder = new MemoryFolder('model');
  await writeRandomModel(folder, { ...shapes['small']!, num_hidden_layers: 4 });
  return openModelFiles(folder);
}

/** Token ids, always the same. */
export function trainingTokens(vocabSize: number): Int32Array<ArrayBuffer> {
  const random = createRandom(5);
  return Int32Array.from({ length: TOKENS }, () => random.below(vocabSize));
}

/**
 * The case for peers, with the weights of our model.
 * @param loraA the initial A [rank, in] of a linear layer by its path; B starts as zeros
 */
export async function trainingCase(
  files: ModelFiles,
  loraA: (layer: number, name: LinearName) => Float32Array<ArrayBuffer>,
): Promise<TrainingCase> {
  const { spec, checkpoint } = files;
  const { rank, alpha } = settings;
  const read = async (name: string) => decodeFloats(await checkpoint.read(name), 'BF16');
  const config = shapes['small'] as Record<string, number>;
  const { hiddenSize, vocabSize } = spec;
  const heads = config.num_attention_heads!;
  const headDim = hiddenSize / heads;
  const layers: Layer[] = [];
  for (let i = 0; i < spec.layers; i++) {
    const linears: Partial<Record<LinearName, Linear>> = {};
    for (const { path, name, inFeatures, outFeatures } of spec.linears) {
      const known = linearNames.find((one) => one === name)!;
      const w = await read(`model.layers.${i}.${path}.weight`);
      linears[known] = {
        w: transpose({ rows: outFeatures, cols: inFeatures, values: w }),
        a: transpose({ rows: rank, cols: inFeatures, values: loraA(i, known) }),
        b: { rows: rank, cols: outFeatures, values: new Float32Array(rank * outFeatures) },
      };
    }
    const norm = (name: string) => read(`model.layers.${i}.${name}.weight`);
    const norms = [await norm('input_layernorm'), await norm('post_attention_layernorm')] as const;
    layers.push({ linears: linears as Record<LinearName, Linear>, norms });
  }
  const tokens = trainingTokens(vocabSize);
  const targets = new Float32Array(TOKENS * vocabSize);
  for (let t = 0; t + 1 < TOKENS; t++) targets[t * vocabSize + tokens[t + 1]!] = 1 / (TOKENS - 1);
  const angles = (f: (angle: number) => number): Matrix => {
    const half = headDim / 2;
    const values = Float32Array.from({ length: TOKENS * half }, (_, i) =>
      f(Math.floor(i / half) * Math.fround(config.rope_theta! ** (-(i % half) / half))),
    );
    return { rows: TOKENS, cols: half, values };
  };
  return {
    heads,
    headDim,
    hiddenSize,
    vocabSize,
    normEps: config.rms_norm_eps!,
    scale: alpha / rank,
    layers,
    finalNorm: await read('model.norm.weight'),
    embedding: { rows: vocabSize, cols: hiddenSize, values: await read('model.embed_tokens.weight') },
    tokens,
    targets: { rows: TOKENS, cols: vocabSize, values: targets },
    cos: angles(Math.cos),
    sin: angles(Math.sin),
  };
}

function transpose({ rows, cols, values }: Matrix): Matrix {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) out[col * rows + row] = values[row * cols + col]!;
  }
  return { rows: cols, cols: rows, values: out };
}
