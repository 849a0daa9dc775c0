import { defaultRecipe } from '../../../base/config/recipe.ts';
import { buildMicroBatch } from '../../../content/data/tokens/microBatch.ts';
import { tokenRowsOf } from '../../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../../../engine/gpu/device.ts';
import { closeDecoder, openDecoder } from '../../../engine/model/weights/openDecoder.ts';
import type { ModelFiles } from '../../../engine/model/spec/openModel.ts';
import { startAdapter } from '../../../engine/train/startAdapter.ts';
import { StepRunner } from '../../../engine/train/trainStep.ts';
import { settings, trainingTokens, type LinearName, type PeerTrainer } from './trainingCase.ts';

/** Graft's training of the case, as in train/trainer.ts, and the initial adapter. */
export async function graftTrainer(
  gpu: Gpu,
  files: ModelFiles,
): Promise<PeerTrainer & { loraA(layer: number, name: LinearName): Float32Array<ArrayBuffer> }> {
  const { rank, alpha, lr, beta1, beta2, eps, weightDecay } = settings;
  const decoder = await openDecoder(gpu, files, 'f32');
  const adapter = await startAdapter(decoder, { ...defaultRecipe(), rank, alpha, rslora: false }, null);
  const runner = new StepRunner(decoder, adapter);
  const ids = [...trainingTokens(files.spec.vocabSize)];
  const batch = buildMicroBatch(tokenRowsOf([{ ids, labels: ids }]), [[0]]);
  const begun = [...(await adapter.read())];
  let step = 0;
  return {
    loraA: (layer, name) => {
      const found = begun.find(([module]) => module.layer === layer && module.linear.name === name);
      return found![1].a;
    },
    async step() {
      step += 1;
      const adamW = { lr, beta1, beta2, eps, weightDecay, maxGradNorm: 0, step };
      const { lossSum, targets } = await runner.run([batch], { p: 0, seeds: [] }, adamW);
      return lossSum / targets;
    },
    dispose() {
      runner.dispose();
      adapter.dispose();
      closeDecoder(decoder);
    },
  };
}
