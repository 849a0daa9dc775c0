import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRecipe, type Recipe } from '../../base/config/recipe.ts';
import { nodeFolder, nodeSource } from '../../base/storage/nodeFolder.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { openSession } from '../../hosts/node/api.ts';
import type { LibrarySession } from '../../session/librarySession.ts';
import type { RowsInMemory } from '../../session/trainJob.ts';
import { modelPath, starter } from '../../testing/fixtures.ts';
import { table } from '../../testing/markdownTable.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const full: Partial<Recipe> = { method: 'full' };

/** Trained and random, with LoRA and in full. */
const models: { name: string; path: string; recipe: Partial<Recipe> }[] = [
  { name: 'starter', path: starter, recipe: {} },
  { name: 'starter, full', path: starter, recipe: full },
  { name: 'tiny-llama3, full', path: modelPath('tiny-llama3'), recipe: full },
  { name: 'tiny-qwen2, full', path: modelPath('tiny-qwen2'), recipe: full },
  { name: 'tiny-qwen3, full', path: modelPath('tiny-qwen3'), recipe: full },
];
const samples = ['pirate-talk', 'robot-stories', 'new-villager'];

/** Parts of the suggested rate that runs are trained with. */
const FACTORS = [0.5, 1, 2];

/** How many times what two seeds differ by, root mean square, a rate must be worse than another to be worse. */
const CLEARLY = 2;

/** How near two losses must be to be equal, as a part of one. */
const EQUAL = 0.02;

const INTRODUCTION = `## The suggested learning rate

Runs of 60 steps with the rate that the LR range test suggests, half of where the loss was lowest, and with half and twice of it:
losses on held-out rows, and with the suggested rate and another seed. The random models have no text; their rows are the samples' tokens, folded into their vocabulary.`;

/** Whether the suggested rate trains at least as well as half and twice of it, by the loss on held-out rows. */
export async function lrRangeBench(): Promise<string> {
  const session = openSession();
  const lines: string[][] = [];
  // Both as parts of the fall with the best of the three: what the suggested rate lacks, and what another seed changes.
  const [lacks, bySeed]: [number[], number[]] = [[], []];
  let best = 0;
  for (const { name, path, recipe: changes } of models) {
    for (const sample of samples) {
      const recipe = parseRecipe({
        rank: 8,
        max_steps: 60,
        batch_size: 4,
        max_length: 128,
        eval_fraction: 0.2,
        seed: 5,
        ...changes,
      });
      const rows = await readSample(session, sample, recipe, path);
      await session.openModel(nodeFolder(path));
      const before = (await session.evaluate(rows.evaluation!)).loss;
      const { suggestion } = await session.lrRange(recipe, rows.train, {});
      const trained = async (lr: number, seed: number) => {
        await session.openModel(nodeFolder(path));
        const job = { recipe: { ...recipe, lr, seed }, rows: { ...rows, evaluation: null } };
        await session.train({ ...job, dataFile: sample }, null);
        return (await session.evaluate(rows.evaluation!)).loss;
      };
      const losses: number[] = [];
      for (const factor of suggestion ? FACTORS : [])
        losses.push(await trained(suggestion!.lr * factor, recipe.seed));
      const lowest = Math.min(...losses);
      if (suggestion && losses[1]! <= lowest * (1 + EQUAL)) best += 1;
      if (suggestion) {
        losses.push(await trained(suggestion.lr, recipe.seed + 1));
        lacks.push((losses[1]! - lowest) / (before - lowest));
        bySeed.push((losses[3]! - losses[1]!) / (before - lowest));
      }
      const shown = Array.from({ length: FACTORS.length + 1 }, (_, i) => losses[i]?.toFixed(3) ?? '—');
      const found = [suggestion?.lr.toExponential(1) ?? '—', suggestion?.lowest.toExponential(1) ?? '—'];
      lines.push([name, sample, ...found, before.toFixed(3), ...shown]);
    }
  }
  await session.close();
  const head = [
    'model',
    'data',
    'suggested',
    'lowest at',
    'loss before',
    'half',
    'suggested',
    'twice',
    'another seed',
  ];
  const scatter = Math.sqrt(bySeed.reduce((sum, part) => sum + part ** 2, 0) / bySeed.length);
  const good = lacks.filter((part) => part <= CLEARLY * scatter).length;
  const verdict =
    `Two seeds differ by ${(100 * scatter).toFixed(2)}% of the fall, root mean square. By no more than ${CLEARLY} times that, the ` +
    `suggested rate trains as well as the best of the three in ${good} of ${lines.length}; its loss is the lowest, or within ` +
    `${100 * EQUAL}% of that, in ${best}.`;
  return `${INTRODUCTION}\n\n${table(head, lines)}\n\n${verdict}`;
}

/** The rows of a sample in the starter's tokens; for models with fewer, what is left of a division by 512. */
async function readSample(
  session: LibrarySession,
  sample: string,
  recipe: Recipe,
  path: string,
): Promise<RowsInMemory> {
  await session.openModel(nodeFolder(starter));
  const { rows } = await session.readRows(
    await nodeSource(join(root, 'public', 'samples', `${sample}.jsonl`)),
    recipe,
  );
  const fold = (id: number) => (path === starter || id < 0 ? id : id % 512);
  const folded = (all: TokenRows): TokenRows => ({
    ...all,
    ids: all.ids.map(fold),
    labels: all.labels.map(fold),
  });
  return { train: folded(rows.train), evaluation: rows.evaluation && folded(rows.evaluation) };
}
