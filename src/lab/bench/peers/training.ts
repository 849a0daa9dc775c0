import type * as Jax from '@jax-js/jax';
import type * as Tfjs from '@tensorflow/tfjs';
import type { Gpu } from '../../../engine/gpu/device.ts';
import { graftTrainer } from './graftTrainer.ts';
import { jaxTrainer } from './jaxTrainer.ts';
import { interleave, type Times } from './measure.ts';
import { tfjsTrainer } from './tfjsTrainer.ts';
import { openTrainingModel, trainingCase, type PeerTrainer } from './trainingCase.ts';

/** Peers that train. */
export const trainerNames = ['jax-js', 'tfjs'] as const;
export type TrainerName = (typeof trainerNames)[number];

/** Imports of the libraries. */
export interface TrainingLibraries {
  jax(): Promise<typeof Jax>;
  tfjs(): Promise<typeof Tfjs>;
}

/** The results of the same steps in all libraries. */
export interface TrainingResult {
  /** By name; Graft's is `graft`. */
  trainers: {
    name: string;
    /** Losses of the first steps, each before its update. */
    losses: number[];
    /** Milliseconds of the first step, including compilation. */
    first: number;
    times: Times;
  }[];
}

/** Number of steps whose losses are compared. */
const COMPARED = 3;

/** Maximum relative difference between a peer's loss and ours. */
const TOLERANCE = 1e-3;

/**
 * Trains the same decoder on the same tokens with each library, compares the losses of the first steps with ours, and
 * then times steps in turn. Throws if a loss differs.
 */
export async function measureTraining(
  gpu: Gpu,
  libraries: TrainingLibraries,
  names: readonly TrainerName[],
  rounds: number,
): Promise<TrainingResult> {
  const files = await openTrainingModel();
  const ours = await graftTrainer(gpu, files);
  const trainers = new Map<string, PeerTrainer>([['graft', ours]]);
  try {
    const shared = await trainingCase(files, ours.loraA);
    for (const name of names) {
      const trainer =
        name === 'jax-js'
          ? await jaxTrainer(await libraries.jax(), shared)
          : await tfjsTrainer(await libraries.tfjs(), shared);
      trainers.set(name, trainer);
    }
    const begun = new Map<string, { losses: number[]; first: number }>();
    for (const [name, trainer] of trainers) {
      const start = performance.now();
      const losses = [await trainer.step()];
      const first = performance.now() - start;
      while (losses.length < COMPARED) losses.push(await trainer.step());
      begun.set(name, { losses, first });
      compareLosses(name, losses, begun.get('graft')!.losses);
      console.log(`  ${name.padEnd(8)} first step ${first.toFixed(0)} ms, losses ${losses.join(', ')}`);
    }
    const steps = new Map(
      [...trainers].map(([name, trainer]) => [name, async () => void (await trainer.step())] as const),
    );
    const times = await interleave(steps, rounds);
    return { trainers: [...begun].map(([name, one]) => ({ name, ...one, times: times.get(name)! })) };
  } finally {
    for (const trainer of trainers.values()) trainer.dispose();
  }
}

function compareLosses(name: string, losses: readonly number[], expected: readonly number[]): void {
  for (const [i, loss] of losses.entries()) {
    // Also fails for NaN.
    if (Math.abs(loss / expected[i]! - 1) < TOLERANCE) continue;
    throw new Error(`${name}: the loss of step ${i + 1} is ${loss}, ours ${expected[i]}`);
  }
}
