import { nodeFolder } from '../../../../base/storage/nodeFolder.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { readAdapter, writeAdapter } from '../../../../content/formats/peft.ts';
import { mixAdapters, type Ingredient } from '../../../../content/mix/mixAdapters.ts';
import { majorities, mixRules } from '../../../../content/mix/mixRules.ts';
import { command } from '../command.ts';
import { choice, number, optional, required } from '../options.ts';
import { checkNotInUse } from '../output.ts';
import { withOutputAnew } from '../outputAnew.ts';
import { printText } from '../terminal.ts';

export const mix = command(
  'mix',
  'Mixes LoRA adapters of one model into one, by the rules of PEFT’s add_weighted_adapter. cat and svd keep what the adapters do; linear, ties, dare and magnitude_prune work on A and B by themselves and need equal ranks, with _svd on what they add to the weights.',
  {
    adapters: required('Model', 'DIR,DIR', 'The PEFT folders, separated by commas.'),
    weights: optional('Model', 'N,N', 'A factor for each of them, which may be negative; 1 by default.'),
    rule: {
      ...choice('Model', mixRules, `How they are mixed: ${mixRules.join(', ')}.`),
      placeholder: 'RULE',
    },
    density: number(
      'Model',
      0.5,
      { min: 0, max: 1 },
      'The fraction of values that ties, dare and magnitude_prune keep.',
    ),
    rank: optional('Model', 'N', 'Of the result of the svd rules; by default the highest of the adapters.'),
    majority: choice('Model', majorities, 'What the sign of the ties rules is chosen by.'),
    seed: number(
      'Model',
      0,
      { min: 0, max: 2 ** 32 - 1, integer: true },
      'Of the dare rules’ random numbers, as torch.manual_seed takes it.',
    ),
    out: required('Output', 'DIR', 'A new or empty folder.'),
  },
  async ({ adapters, weights, rule, density, rank, majority, seed, out }, usage) => {
    const bad = (detail: string) => new GraftError('cli.bad_option', { detail, usage });
    const paths = adapters.split(',').map((path) => path.trim());
    const factors = weights === undefined ? paths.map(() => 1) : weights.split(',').map(Number);
    if (factors.length !== paths.length || !factors.every((factor) => Number.isFinite(factor)))
      throw bad(`--weights must be ${paths.length} numbers separated by commas, one for each adapter.`);
    if (density === 0) throw bad('--density must be above 0.');
    const ranked = rank === undefined ? null : Number(rank);
    if (ranked !== null && !(Number.isInteger(ranked) && ranked > 0))
      throw bad('--rank must be a whole number above 0.');
    if (ranked !== null && !rule.endsWith('svd')) throw bad('--rank requires a rule that ends in svd.');
    const ingredients: Ingredient[] = [];
    for (const [i, path] of paths.entries()) {
      await checkNotInUse(path);
      ingredients.push({ name: path, adapter: await readAdapter(nodeFolder(path)), weight: factors[i]! });
    }
    await withOutputAnew(out, async (folder) => {
      const adapter = mixAdapters(ingredients, { rule, density, rank: ranked, majority, seed });
      await writeAdapter(folder, adapter);
      const { config, modules } = adapter;
      printText(
        JSON.stringify({ rule, rank: config.r, modules: modules.size, adapters: paths, weights: factors }),
      );
    });
  },
);
