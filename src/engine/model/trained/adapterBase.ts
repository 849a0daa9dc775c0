import type { PeftAdapter } from '../../../content/formats/peft.ts';
import { decodeFloats, floatSize } from '../../../base/lib/floats.ts';
import type { PeftSaved } from '../../../content/formats/peftSaved.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import { vocabularyMatrix, type VocabularyRole } from '../weights/vocabulary.ts';

/** Elements compared at a time. */
const PIECE = 2 * 1024 * 1024;

const ROLES: readonly VocabularyRole[] = ['embedding', 'head'];

/**
 * Resolves the embedding and head that an adapter's file contains. A copy equal to the model's own is dropped; other
 * values replace the model's, as when PEFT loads them: they go into `saved` and are named by `replaced`, so that they
 * are not trained. If the model ties the two, they remain one matrix, and so do those that `ensure_weight_tying`
 * trained. Throws `model.adapter_vocabulary`, `model.adapter_ties`, `model.adapter_base`.
 */
export async function settleBase(files: ModelFiles, peft: PeftAdapter): Promise<PeftAdapter> {
  const { spec } = files;
  const { embedding, head } = spec.names;
  const { config, modules } = peft;
  const saved = new Map(peft.saved ?? []);
  const replaced = new Map(peft.replaced ?? []);
  const ties = spec.tied && config.ensure_weight_tying === true && saved.size > 0;
  if (ties) {
    const both = [saved.get(embedding) ?? replaced.get(embedding), saved.get(head) ?? replaced.get(head)];
    const [table = null, own = null] = both;
    if (table && own && !(await sameRows(table, own))) throw tiesError(embedding, head);
    saved.clear();
    saved.set(embedding, (table ?? own)!);
    replaced.clear();
    return { ...peft, saved, replaced, tiedHead: head };
  }
  for (const role of ROLES) {
    const brought = replaced.get(spec.names[role]);
    if (brought && (await isModels(files, role, brought))) replaced.delete(spec.names[role]);
  }
  if (replaced.size === 0) return { ...peft, saved, replaced };
  const [module] = replaced.keys();
  const conflict = modules.has(head)
    ? 'it also has LoRA on the LM head'
    : saved.size > 0
      ? 'it trains another vocabulary matrix in full'
      : null;
  const base = config.base_model_name_or_path ? ` (${config.base_model_name_or_path})` : '';
  if (conflict) throw new GraftError('model.adapter_base', { module: module!, conflict, base });
  if (!spec.tied) return { ...peft, saved: replaced, replaced };
  const stored = ROLES.flatMap((role) => peft.replaced?.get(spec.names[role]) ?? []);
  const [first, second] = stored;
  // PEFT copies both into the one matrix, so they must agree.
  if (first && second && !(await sameRows(first, second))) throw tiesError(embedding, head);
  return { ...peft, saved: new Map([[embedding, first!]]), replaced, tiedHead: head };
}

function tiesError(module: string, other: string): GraftError {
  return new GraftError('model.adapter_ties', { module, other });
}

/** Whether a matrix equals the model's own, which must be stored in floats. */
async function isModels(
  { spec, matrices, checkpoint }: ModelFiles,
  role: VocabularyRole,
  brought: PeftSaved,
) {
  const stored = matrices.get(vocabularyMatrix(spec, role).module);
  if (stored?.kind !== 'float') return false;
  const { tensor, dtype } = stored;
  const width = floatSize(dtype, tensor) * brought.cols;
  const own: PeftSaved = {
    rows: spec.vocabSize,
    cols: spec.hiddenSize,
    read: async (row, count) =>
      decodeFloats(await checkpoint.readRange(tensor, row * width, count * width), dtype, tensor),
  };
  return sameRows(own, brought);
}

async function sameRows(a: PeftSaved, b: PeftSaved): Promise<boolean> {
  if (a.rows !== b.rows || a.cols !== b.cols) return false;
  const step = Math.max(1, Math.floor(PIECE / a.cols));
  for (let row = 0; row < a.rows; row += step) {
    const count = Math.min(step, a.rows - row);
    const [x, y] = [await a.read(row, count), await b.read(row, count)];
    if (x.some((value, i) => value !== y[i])) return false;
  }
  return true;
}
