import type { UsageFacts } from '../content/hub/usage.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import { readTokenizerFiles } from '../content/data/tokenizer/tokenizerFiles.ts';
import type { PlannedEnds } from '../engine/merge/outputEnds.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';

/** Where an export will be: the name of its folder, and its repo where it is pushed. */
export interface ExportName {
  name: string;
  repo?: string | null;
}

/** The names that commands need to use an export: for its model card, and for a page that shows them before. */
export async function usageFacts(
  { folder }: Pick<ModelFiles, 'folder'>,
  adapter: PeftAdapter | null,
  { added, ids }: Pick<PlannedEnds, 'added' | 'ids'>,
  { name, repo = null }: ExportName,
): Promise<UsageFacts> {
  const { origin } = folder;
  // A tokenizer that cannot be read is reported where the model is opened.
  const tokenizer = await readTokenizerFiles(folder).catch(() => null);
  const ranks = [...(adapter?.modules.values() ?? [])].map(({ rank }) => rank);
  return {
    name,
    repo,
    base: { repo: origin?.repo ?? null, commit: origin?.commit ?? null, name: folder.name },
    endIds: added.length > 0 ? ids : [],
    chat: (tokenizer?.chatTemplate ?? null) !== null,
    rank: adapter && Math.max(adapter.config.r, ...ranks),
    savesModules: adapter !== null && ((adapter.saved?.size ?? 0) > 0 || (adapter.replaced?.size ?? 0) > 0),
  };
}
