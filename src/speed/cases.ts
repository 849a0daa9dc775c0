import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Inputs } from './inputs.ts';

/** Sizes that kernels are measured at: those of a model, for some tokens at once. */
export interface SpeedShapes {
  name: string;
  /** T: tokens of a micro-batch, all of one row. */
  tokens: number;
  hidden: number;
  ffn: number;
  heads: number;
  kvHeads: number;
  vocab: number;
  /** Rank of the adapter. */
  rank: number;
  /** Trained parameters that the optimizer steps over. */
  parameters: number;
}

/** The shapes there are, from the smallest; `tokens` is chosen by the adapter's speed. */
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
    // All linear layers at rank 8 have 4.4 million.
    parameters: 1 << 22,
  },
} as const satisfies Record<string, Omit<SpeedShapes, 'tokens'>>;

/** A way to do something, among several. */
export interface Choice {
  variant: string;
  /** Whether it was found by measuring on this adapter. */
  tuned: boolean;
}

/** A kernel at a shape: what is recorded, and what it must do and move at least. */
export interface SpeedCase {
  /** A name such as “matmul NT”, and what it is there for is told by the shape. */
  kernel: string;
  /** Such as “512 × 4864 × 896”. */
  shape: string;
  /** How weights are stored, or null where there are none. */
  format: string | null;
  /** Operations, a multiply-add being two; null where hardly any are done. */
  flops: number | null;
  /** Bytes read and written at least, each once. */
  bytes: number;
  /** Which of several ways the engine takes on a device; absent where there is one. */
  choice?(gpu: Gpu): Choice;
  /** Records one run on tensors of its own. */
  record(commands: Commands, inputs: Inputs): void;
}

/** Sizes as people read them: “512 × 896”. */
export function shapeText(...sizes: readonly number[]): string {
  return sizes.join(' × ');
}
