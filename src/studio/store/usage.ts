import type { ExportKind, UseTarget } from '../../hosts/browser/protocol.ts';
import { kindsOfTarget, needsGguf } from '../../hosts/browser/usage.ts';
import type { ExportChoices } from './state/exporting.ts';

export { ggufUsage, needsGguf, usageOf, useTargets, vllmRefuses } from '../../hosts/browser/usage.ts';

/**
 * The exports that an answer to “Where will you use it?” selects; without an answer all there are.
 * @param isModel whether all parameters were trained, so that there is no adapter
 */
export function kindsToExport(use: UseTarget | null, isModel: boolean): ExportKind[] {
  const kinds = use === null ? (['adapter', 'merged'] as const) : kindsOfTarget[use];
  return kinds.filter((kind) => kind === 'merged' || !isModel);
}

/** The settings that an answer brings: what Graft alone reads is of no use elsewhere. */
export function choicesFor(use: UseTarget | null, { type }: ExportChoices['gguf']): Partial<ExportChoices> {
  return {
    use,
    ...(use !== null && { adapterDtype: 'F32' as const }),
    ...(needsGguf(use) && {
      gguf: { form: use === 'ollama' || use === 'chat' ? use : ('file' as const), type },
    }),
  };
}
