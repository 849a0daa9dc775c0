import { expect, it } from 'vitest';
import { openDawn } from '../../hosts/node/dawn.ts';
import { readShaders } from '../../hosts/node/shaders.ts';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { openGpu } from '../gpu/device.ts';
import { openDecoder, quantizationOf } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { resident } from '../model/weights/streaming.ts';
import { goldenRecipe, modelFolder, readGolden, trainingRows } from '../../testing/golden.ts';
import { weighted } from '../../testing/passes.ts';
import { dataShapes } from './largestBatch.ts';
import { prepareRun } from './prepare.ts';
import { startAdapter } from './startAdapter.ts';
import { train } from './trainer.ts';

it.each([
  ['tiny-qwen3-lora', false],
  ['tiny-qwen3-lora', true],
  ['tiny-llama3-qlora', false],
])(
  'a run of %s compiles no more shaders once it is prepared, weights of the losses: %s',
  async (name, heavy) => {
    const golden = readGolden(name);
    const recipe = {
      ...defaultRecipe(),
      ...goldenRecipe(golden),
      max_steps: 2,
      method: golden.quant === 'nf4' ? ('qlora' as const) : ('lora' as const),
    };
    const files = await openModelFiles(modelFolder(golden.model));
    const dataset = heavy ? weighted(trainingRows(golden)) : trainingRows(golden);
    const data = dataShapes({ train: dataset, evaluation: null });
    const gpu = await openGpu(openDawn(), readShaders());
    try {
      const run = { files, recipe, data, streaming: resident };
      const { loaded: decoder, preparation } = await prepareRun(gpu, run, () =>
        openDecoder(gpu, files, 'f32', { quantize: quantizationOf(recipe) }),
      );
      const compiled = gpu.kernels.size;
      // Loading quantizes meanwhile, and does not wait for its shaders.
      expect(preparation.shaders).toBeLessThanOrEqual(compiled);
      expect(preparation.shaders).toBeGreaterThan(10);
      expect(preparation.shaderSeconds).toBeGreaterThan(0);
      let steps = 0;
      await train({
        decoder,
        adapter: await startAdapter(decoder, recipe, null),
        recipe,
        dataset,
        evalDataset: null,
        onStep: () => void (steps += 1),
        onEval: () => undefined,
        shouldStop: () => false,
      });
      expect(steps).toBe(2);
      expect(gpu.kernels.size).toBe(compiled);
    } finally {
      gpu.destroy();
    }
  },
);
