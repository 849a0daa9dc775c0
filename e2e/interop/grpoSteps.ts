// Trains an adapter by GRPO and records all that TRL needs to do the same: grpoSteps.ts FOLDER, with what grpo.py wrote
// there. Each case gets graft/NAME.json: of every step its completions, their rewards and advantages, and its numbers.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecipe, type Recipe } from '../../src/base/config/recipe.ts';
import { createRandom } from '../../src/base/lib/random.ts';
import { nodeFolder } from '../../src/base/storage/nodeFolder.ts';
import type { MicroBatch } from '../../src/content/data/tokens/microBatch.ts';
import { tokenRowsOf } from '../../src/content/data/tokens/tokenRows.ts';
import { rowLengths } from '../../src/content/data/tokens/tokenize.ts';
import type { Gpu } from '../../src/engine/gpu/device.ts';
import { openModelFiles } from '../../src/engine/model/spec/openModel.ts';
import { openAdapter } from '../../src/engine/model/trained/openAdapter.ts';
import { loadAdapter } from '../../src/engine/model/trained/adapterFiles.ts';
import { closeDecoder, openDecoder, quantizationOf } from '../../src/engine/model/weights/openDecoder.ts';
import { SampledSteps } from '../../src/engine/train/grpo/sampledSteps.ts';
import { stepsOf } from '../../src/engine/train/steps.ts';
import type { SampledCompletions } from '../../src/engine/train/trainOptions.ts';
import { StepRunner } from '../../src/engine/train/trainStep.ts';
import { withGpu } from '../../src/hosts/node/withGpu.ts';

interface Manifest {
  base: string;
  end: number;
  prompts: number[][];
  cases: { name: string; recipe: Partial<Recipe> }[];
}

const [folder = ''] = process.argv.slice(2);
const { base, end, prompts, cases } = JSON.parse(readFileSync(join(folder, 'grpo.json'), 'utf8')) as Manifest;
mkdirSync(join(folder, 'graft'), { recursive: true });
const dataset = tokenRowsOf(
  prompts.map((ids, row) => ({ ids, labels: ids.map(() => -100), reference: String(row) })),
);

await withGpu(async (gpu) => {
  for (const { name, recipe } of cases) {
    const steps = await run(gpu, parseRecipe(recipe));
    writeFileSync(join(folder, 'graft', `${name}.json`), JSON.stringify(steps));
  }
});

async function run(gpu: Gpu, recipe: Recipe) {
  const files = await openModelFiles(nodeFolder(base));
  const { peft } = await openAdapter(files, nodeFolder(join(folder, 'init')));
  const decoder = await openDecoder(gpu, files, 'f32', { quantize: quantizationOf(recipe) });
  const adapter = await loadAdapter(gpu, files.spec, peft);
  const plan = stepsOf(recipe, rowLengths(dataset));
  const rewards: (number | null)[][] = [];
  const sampling = scored(rewards, recipe.seed);
  const sampled = new SampledSteps({ decoder, adapter, recipe, dataset, evalDataset: null, sampling }, plan);
  const runner = new StepRunner(decoder, adapter, 'adamw', 'f32', sampled.objective);
  const steps: object[] = [];
  for (let step = 1; step <= plan.steps; step++) {
    const batches = await sampled.batches(step);
    const { lr, beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = recipe;
    const settings = { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step };
    const { lossSum, gradNorm, completions } = await runner.run(batches, { p: 0, seeds: [] }, settings);
    steps.push({
      loss: lossSum,
      gradNorm,
      completions,
      rewards: [...rewards],
      batches: batches.map(plainBatch),
    });
  }
  runner.dispose();
  adapter.dispose();
  closeDecoder(decoder);
  return steps;
}

/** Random rewards of two kinds, the same in some groups, and none now and then; kept for TRL. */
function scored(kept: (number | null)[][], seed: number): SampledCompletions {
  const random = createRandom(seed).fork('rewards');
  return {
    endIds: [end],
    scorer: {
      names: ['random', 'rare'],
      weights: [1, 0.5],
      async score(completions) {
        const made = completions.map((_, i): (number | null)[] => [
          i % 8 < 4 ? Math.fround(random.next()) : 0.25,
          random.below(4) === 0 ? null : random.below(2),
        ]);
        kept.splice(0, kept.length, ...made);
        return made;
      },
    },
  };
}

function plainBatch({ tokens, segmentStart, segmentEnd, targetRows, completions = [] }: MicroBatch) {
  return completions.map(({ start, end: stop, advantage }) => {
    const first = targetRows[start]!;
    const prompt = [...tokens.subarray(segmentStart[first], first + 1)];
    const ids = [...tokens.subarray(first + 1, segmentEnd[first])];
    if (ids.length !== stop - start) throw new Error('a completion is all that follows its prompt');
    return { prompt, ids, advantage };
  });
}
