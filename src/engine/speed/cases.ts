import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Inputs } from './inputs.ts';

/** Sizes that kernels are measured at: those of a model and a micro-batch. */
export interface SpeedShapes {
  name: string;
  /** T: tokens of a micro-batch, all in one row. */
  tokens: number;
  hidden: number;
  ffn: number;
  heads: number;
  kvHeads: number;
  vocab: number;
  /** Rank of the adapter. */
  rank: number;
  /** Number of trained parameters in the optimizer step. */
  parameters: number;
}

/** The available shapes, smallest first; `tokens` depends on the adapter's speed. */
export const speedShapes = {
  small: {
    name: 'a small decoder',
    hidden: 256,
    ffn: 1024,
    heads: 4,
    kvHeads: 2,
    vocab: 4096,
    rank: 8,
    parameters: 1 << 18,
  },
  qwen: {
    name: 'Qwen2.5-0.5B',
    hidden: 896,
    ffn: 4864,
    heads: 14,
    kvHeads: 2,
    vocab: 151_936,
    rank: 8,
    // LoRA of rank 8 on all linear layers has 4.4 million.
    parameters: 1 << 22,
  },
  qwen15: {
    name: 'Qwen2.5-1.5B',
    hidden: 1536,
    ffn: 8960,
    heads: 12,
    kvHeads: 2,
    vocab: 151_936,
    rank: 8,
    parameters: 9 << 20,
  },
  qwen7: {
    name: 'Qwen2.5-7B',
    hidden: 3584,
    ffn: 18_944,
    heads: 28,
    kvHeads: 4,
    vocab: 152_064,
    rank: 8,
    parameters: 20 << 20,
  },
} as const satisfies Record<string, Omit<SpeedShapes, 'tokens'>>;

/** One of several implementations. */
export interface Choice {
  variant: string;
  /** Whether it was chosen by tuning on this adapter. */
  tuned: boolean;
}

/** A kernel at a shape: how to record it, and its minimum of operations and bytes. */
export interface SpeedCase {
  /** A name such as “matmul NT”; the shape shows its purpose. */
  kernel: string;
  /** Such as “512 × 4864 × 896”. */
  shape: string;
  /** Storage format of the weights, or null if there are none. */
  format: string | null;
  /** FLOPs, a multiply-add counting as two; null if negligible. */
  flops: number | null;
  /** Minimum of bytes read and written, each counted once. */
  bytes: number;
  /** Bytes of its largest tensor; absent where every adapter binds all of them. */
  largest?: number;
  /** Which of several implementations the engine uses on a device; absent if there is only one. */
  choice?(gpu: Gpu): Choice;
  /** Records one run on its own tensors. */
  record(commands: Commands, inputs: Inputs): void;
}

/** Formats sizes for display: “512 × 896”. */
export function shapeText(...sizes: readonly number[]): string {
  return sizes.join(' × ');
}
