// Trains with PiSSA on a model: pissa.ts MODEL OUT. OUT gets run.json with the losses of each case, and for each a folder
// with the adapter and the merged model.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultRecipe, type Recipe } from '../../src/base/config/recipe.ts';
import { createRandom } from '../../src/base/lib/random.ts';
import { writeAdapter } from '../../src/content/formats/peft.ts';
import { buildMicroBatch } from '../../src/content/data/tokens/microBatch.ts';
import { tokenRowsOf } from '../../src/content/data/tokens/tokenRows.ts';
import { mergeJob } from '../../src/engine/merge/mergeJob.ts';
import { mergeProved } from '../../src/engine/merge/mergeProved.ts';
import { openModelFiles } from '../../src/engine/model/spec/openModel.ts';
import { openAdapter } from '../../src/engine/model/trained/openAdapter.ts';
import { closeDecoder, openDecoder } from '../../src/engine/model/weights/openDecoder.ts';
import { evaluate } from '../../src/engine/train/evaluate.ts';
import { describeAdapter, startAdapter } from '../../src/engine/train/startAdapter.ts';
import { StepRunner } from '../../src/engine/train/trainStep.ts';
import { nodeFolder } from '../../src/base/storage/nodeFolder.ts';
import { withGpu } from '../../src/hosts/node/withGpu.ts';

const STEPS = 4;
const LENGTHS = [29, 13, 40];
const adamW = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, maxGradNorm: 1e9 };

const cases: Record<string, Partial<Recipe>> = {
  exact: { init_lora_weights: 'pissa', rank: 4, alpha: 8 },
  'exact, rsLoRA': {
    init_lora_weights: 'pissa',
    rank: 6,
    alpha: 3,
    rslora: true,
    targets: ['q_proj', 'down_proj'],
  },
  '16 passes': { init_lora_weights: 'pissa_niter_16', rank: 4, alpha: 8 },
};

const [model = '', out = ''] = process.argv.slice(2);
const files = await openModelFiles(nodeFolder(model));
const random = createRandom(11);
const rows = LENGTHS.map((length) => Array.from({ length }, () => random.below(files.spec.vocabSize)));
const dataset = tokenRowsOf(rows.map((ids) => ({ ids, labels: ids })));
const batches = rows.map((_, row) => buildMicroBatch(dataset, [[row]]));

await withGpu(async (gpu) => {
  const decoder = await openDecoder(gpu, files, 'f32');
  const runs: object[] = [];
  for (const [name, fields] of Object.entries(cases)) {
    const recipe = { ...defaultRecipe(), ...fields };
    const adapter = await startAdapter(decoder, recipe, null);
    const runner = new StepRunner(decoder, adapter);
    const losses: number[] = [];
    for (let step = 1; step <= STEPS; step++) {
      const { lossSum, targets } = await runner.run(batches, { p: 0, seeds: [] }, { ...adamW, step });
      losses.push(lossSum / targets);
    }
    const { loss } = await evaluate(decoder, { adapter, strength: 1, dropout: null }, dataset, 1);
    const folder = join(out, name.replaceAll(/\W+/g, '-'));
    const [adapted, merged] = [join(folder, 'adapter'), join(folder, 'merged')];
    for (const made of [adapted, merged]) await mkdir(made, { recursive: true });
    const about = describeAdapter('base', recipe, null, decoder.spec);
    await writeAdapter(nodeFolder(adapted), await adapter.toPeft(about));
    const { peft } = await openAdapter(files, nodeFolder(adapted));
    await mergeProved(gpu, mergeJob(files, peft), nodeFolder(merged), { maxShardBytes: 1e9 });
    runs.push({ name, recipe, losses: [...losses, loss], adapter: adapted, merged });
    runner.dispose();
    adapter.dispose();
  }
  await writeFile(join(out, 'run.json'), JSON.stringify({ model, rows, adamW, runs }));
  closeDecoder(decoder);
});
