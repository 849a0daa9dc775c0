import type { Recipe } from '../../base/config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { rowLimit, type DataShapes } from './largestBatch.ts';
import type { MemoryPlan } from './memoryPlan.ts';
import { planRun } from './streamingPlan.ts';

/** Rows are not made shorter than this: few answers fit in less. */
const SHORTEST_ROWS = 128;

/** Most micro-batches a recipe allows in a step. */
const MAX_ACCUMULATION = 4096;

/** What can be done for a recipe that does not fit, in the order it is tried. */
export type FitKind =
  'micro_batch' | 'checkpointing' | 'shorter_rows' | 'four_bits' | 'head' | 'kept_inputs' | 'streaming';

/** One proposal, on top of those before it. */
export interface FitProposal {
  kind: FitKind;
  /**
   * `change`: the settings below lower the total. `already`: it is done in every run.
   */
  status: 'change' | 'already';
  /** Settings to change; none unless `status` is `change`. */
  settings: Partial<Recipe>;
  /** Bytes at the peak with this and all before. */
  total: number;
  /** Rows of the data that would be cut, where rows become shorter. */
  cutRows: number;
}

/** A recipe against a budget of memory. */
export interface RecipeFit {
  /** Whether it fits, with every proposal taken. */
  fits: boolean;
  /** None where the recipe fits as it is. */
  proposals: FitProposal[];
  /** The recipe with every proposal taken, and what it will take. */
  recipe: Recipe;
  plan: MemoryPlan;
}

/**
 * Plans a recipe and, where it exceeds the budget or a binding of the device, proposes changes until it fits: a smaller
 * micro-batch with as much more accumulation, checkpointing, shorter rows, 4 bits, the head and saved layer inputs in
 * fewer bits, streaming. Of each kind the mildest
 * change that suffices is taken, else the strongest, unless it saves nothing; and what a later change makes needless is
 * taken back, first of all the cutting of rows.
 * @param budget bytes of GPU memory
 * Throws what `planMemory` throws.
 */
export async function fitRecipe(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
  budget: number,
): Promise<RecipeFit> {
  // The same changes are looked at again and again, and a large model's plan takes its time.
  const plans = new Map<string, Promise<MemoryPlan>>();
  const task: Task = {
    planWith(changes) {
      const changed = withChanges(recipe, changes);
      const key = JSON.stringify(changed);
      const plan = plans.get(key) ?? planRun(files, changed, limits, data).then(({ memory }) => memory);
      plans.set(key, plan);
      return plan;
    },
    fits: ({ total, largestBinding }) => total <= budget && largestBinding.bytes <= limits.maxBinding,
    candidates: {
      micro_batch: [...smallerBatches(recipe)],
      shorter_rows: [...shorterRows(longestRow(recipe, files, data))],
      four_bits: [...fourBits(recipe)],
      head: [...fewerBitsOfHead(recipe)],
      kept_inputs: [...fewerBitsOfInputs(recipe)],
      streaming: recipe.memory_budget === budget ? [] : [{ memory_budget: budget }],
    },
  };
  const changes = await withoutNeedless(task, await chooseChanges(task));
  const plan = await task.planWith(changes);
  const fits = task.fits(plan);
  const proposals: FitProposal[] = [];
  for (const kind of order) {
    const settings = changes.find((change) => change.kind === kind)?.settings;
    const enough = fits && changes.every((change) => order.indexOf(change.kind) < order.indexOf(kind));
    const status = settings ? 'change' : enough ? undefined : withoutSettings[kind];
    if (!status) continue;
    const done = changes.filter((change) => order.indexOf(change.kind) <= order.indexOf(kind));
    const { total } = await task.planWith(done);
    const cutRows = settings?.max_length ? rowsLongerThan(data, settings.max_length) : 0;
    proposals.push({ kind, status, settings: settings ?? {}, total, cutRows });
  }
  return { fits, proposals, recipe: withChanges(recipe, changes), plan };
}

const order: readonly FitKind[] = [
  'micro_batch',
  'checkpointing',
  'shorter_rows',
  'four_bits',
  'head',
  'kept_inputs',
  'streaming',
];

/** What is said of the kinds that no setting stands for, where more is needed than comes before them. */
const withoutSettings: Partial<Record<FitKind, FitProposal['status']>> = {
  checkpointing: 'already',
};

/** Kinds that settings stand for. */
type ChangeKind = Exclude<FitKind, 'checkpointing'>;

/** A kind with the settings chosen for it. */
interface Change {
  kind: ChangeKind;
  settings: Partial<Recipe>;
}

interface Task {
  planWith(changes: readonly Change[]): Promise<MemoryPlan>;
  fits(plan: MemoryPlan): boolean;
  /** Settings for each kind, from the mildest to the strongest, in the order they are tried. */
  candidates: Record<ChangeKind, Partial<Recipe>[]>;
}

/** Goes from kind to kind until it fits, with the mildest of each that suffices, else the strongest that saves some. */
async function chooseChanges({ planWith, fits, candidates }: Task): Promise<Change[]> {
  let changes: Change[] = [];
  let plan = await planWith(changes);
  for (const kind of Object.keys(candidates) as ChangeKind[]) {
    const before = changes;
    for (const settings of candidates[kind]) {
      if (fits(plan)) return changes;
      const tried = [...before, { kind, settings }];
      const planned = await planWith(tried);
      if (isSmaller(planned, plan)) [changes, plan] = [tried, planned];
    }
  }
  return changes;
}

/** Makes changes milder, or takes them back, where the later ones suffice; those that do not fit stay as they are. */
async function withoutNeedless({ planWith, fits, candidates }: Task, chosen: Change[]): Promise<Change[]> {
  let changes = chosen;
  for (const kind of ['shorter_rows', 'micro_batch'] as const) {
    const others = changes.filter((change) => change.kind !== kind);
    if (others.length === changes.length) continue;
    const milder = [others, ...candidates[kind].map((settings) => [...others, { kind, settings }])];
    for (const tried of milder) {
      if (!fits(await planWith(tried))) continue;
      changes = tried;
      break;
    }
  }
  return changes;
}

function withChanges(recipe: Recipe, changes: readonly Change[]): Recipe {
  return changes.reduce((changed, { settings }) => ({ ...changed, ...settings }), recipe);
}

function isSmaller(plan: MemoryPlan, than: MemoryPlan): boolean {
  return plan.total < than.total || plan.largestBinding.bytes < than.largestBinding.bytes;
}

/** The batch halved again and again, as many more of them in a step: the rows of a step stay the same. */
function* smallerBatches(recipe: Recipe): Generator<Partial<Recipe>> {
  let { batch_size: size, grad_accum: count } = recipe;
  while (size > 1) {
    let divisor = 2;
    while (size % divisor !== 0) divisor += 1;
    size /= divisor;
    count *= divisor;
    if (count > MAX_ACCUMULATION) return;
    yield { batch_size: size, grad_accum: count };
  }
}

function* shorterRows(longest: number): Generator<Partial<Recipe>> {
  for (let length = longest; length > SHORTEST_ROWS;) {
    length = Math.max(SHORTEST_ROWS, Math.floor(length / 2));
    yield { max_length: length };
  }
}

function* fourBits({ method, double_quant }: Recipe): Generator<Partial<Recipe>> {
  if (method !== 'qlora') yield { method: 'qlora' };
  if (!double_quant) yield { method: 'qlora', double_quant: true };
}

/** A head that is trained in full stays as it is. */
function* fewerBitsOfHead({ method, modules_to_save, head }: Recipe): Generator<Partial<Recipe>> {
  if (method === 'full' || modules_to_save.length > 0) return;
  if (head === 'stored') yield { head: '8bit' };
  if (head !== 'nf4') yield { head: 'nf4' };
}

function* fewerBitsOfInputs({ kept_inputs: kept }: Recipe): Generator<Partial<Recipe>> {
  if (kept === 'f32') yield { kept_inputs: 'f16' };
  if (kept !== '8bit') yield { kept_inputs: '8bit' };
}

/** Tokens of the longest row of a run. */
function longestRow(recipe: Recipe, { spec }: ModelFiles, data: DataShapes | null): number {
  const limit = rowLimit(recipe, spec.maxPositions);
  if (!data || recipe.packing) return limit;
  return Math.min(
    limit,
    allTokens(data).reduce((longest, length) => Math.max(longest, length), 0),
  );
}

function rowsLongerThan(data: DataShapes | null, limit: number): number {
  return data ? allTokens(data).filter((length) => length > limit).length : 0;
}

function allTokens({ train, evaluation }: DataShapes): number[] {
  return [...train.tokens, ...(evaluation?.tokens ?? [])];
}
