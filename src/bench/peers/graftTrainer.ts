import { defaultRecipe } from '../../config/recipe.ts';
import { buildMicroBatch } from '../../data/microBatch.ts';
import { tokenRowsOf } from '../../data/tokenRows.ts';
import type { Gpu } from '../../gpu/device.ts';
import { closeDecoder, openDecoder } from '../../model/openDecoder.ts';
import type { ModelFiles } from '../../model/openModel.ts';
import { startAdapter } from '../../train/startAdapter.ts';
import { StepRunner } from '../../train/trainStep.ts';
import { settings, trainingTokens, type LinearName, type PeerTrainer } from './trainingCase.ts';

/** Our training of the case, as train/trainer.ts runs it, and the adapter it begins with. */
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
