import { expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { readAdapter } from '../../content/formats/peft.ts';
import { loadAdapter } from '../model/trained/adapterFiles.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { closeDecoder, headOf, openDecoder } from '../model/weights/openDecoder.ts';
import {
  allRuns,
  goldenFolder,
  goldenRecipe,
  modelFolder,
  needRun,
  readGolden,
  trainingRows,
} from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { train } from './trainer.ts';

/** Ways to hold less on the GPU, and how far a step's loss may be from the float64 reference, of its own size. */
const ways: [Partial<Recipe>, number][] = [
  [{ kept_inputs: 'f16' }, 1e-3],
  [{ kept_inputs: '8bit' }, 1e-2],
  [{ head: '8bit' }, 1e-2],
  [{ head: 'nf4' }, 2e-1],
];

it.for(allRuns.flatMap((run) => ways.map(([fields, most]) => ({ run, fields, most }))))(
  '$run with $fields keeps every step’s loss within $most',
  async ({ run, fields, most }, context) => {
    needRun(context, run);
    const gpu = await testGpu();
    const golden = readGolden(run);
    const recipe: Recipe = { ...defaultRecipe(), ...goldenRecipe(golden), ...fields, dtype: 'f32' };
    const files = await openModelFiles(modelFolder(golden.model));
    const quantize = golden.quant === 'nf4' ? { doubleQuant: false } : null;
    const decoder = await openDecoder(gpu, files, 'f32', { quantize, head: headOf(recipe) });
    const adapter = await loadAdapter(gpu, files.spec, await readAdapter(goldenFolder(run, 'init_adapter')));
    const losses: number[] = [];
    await train({
      decoder,
      adapter,
      recipe,
      dataset: trainingRows(golden),
      evalDataset: null,
      onStep: ({ loss }) => losses.push(loss),
      onEval: () => undefined,
      shouldStop: () => false,
    });
    adapter.dispose();
    closeDecoder(decoder);
    const errors = golden.trace.map(({ loss }, i) => Math.abs(losses[i]! / loss - 1));
    const [worst, last] = [Math.max(...errors), errors.at(-1)!];
    console.info(
      `${run} ${JSON.stringify(fields)}: step loss ${worst.toExponential(1)}, the last ${last.toExponential(1)}`,
    );
    expect(worst).toBeLessThan(most);
    // Something was rounded.
    expect(worst).toBeGreaterThan(0);
  },
);
