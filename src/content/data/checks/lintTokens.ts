import type { Finding, LintInput } from './finding.ts';
import { endCheck } from './lintEnds.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { hasNote, noteCodes } from './rowNotes.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';

/** Rows longer than the median by this factor are outliers. */
const OUTLIER_FACTOR = 8;
/** Shorter rows are never outliers, since they cost little. */
const MIN_OUTLIER_LENGTH = 256;

/** Findings that need the rows' tokens. */
export function tokenFindings(
  { ends, maxLength }: Pick<LintInput, 'ends' | 'maxLength'>,
  tokens: TokenizedDataset,
  enoughRows: number,
): Omit<Finding, 'severity'>[] {
  const { ids, labels, offsets, sources, lengths, lost } = tokens;
  const endIsTrained = ends && endCheck(ends);
  const padIsEos = ends !== null && ends.padId !== null && ends.eosIds.includes(ends.padId);
  const found = { endUntrained: [] as number[], padIsEos: [] as number[], answerCut: [] as number[] };
  sources.forEach((source, row) => {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    if (lost[row]! > 0) {
      found.answerCut.push(source);
      return;
    }
    // A row truncated after its last answer still ends as written.
    if (!ends || !endIsTrained || ends.eosIds.length === 0 || lengths[row]! > maxLength) return;
    if (endIsTrained(ids, labels, start, end)) return;
    let last = end - 1;
    while (last > start && labels[last] === IGNORED) last--;
    const masked = last + 1 < end && ends.eosIds.includes(ids[last + 1]!);
    found[masked && padIsEos ? 'padIsEos' : 'endUntrained'].push(source);
  });
  const end = ends?.eos ?? '';
  return [
    { code: 'endUntrained', rows: found.endUntrained, params: { end } },
    { code: 'padIsEos', rows: found.padIsEos, params: { end } },
    { code: 'answerCut', rows: found.answerCut, params: { max: maxLength } },
    skippedTurns(tokens),
    ...noted(tokens),
    ...(sources.length >= enoughRows ? [outliers(tokens)] : []),
  ];
}

/**
 * Rows with untrained answers, because the template renders them differently inside a conversation. Rows that lose
 * thoughts this way have a separate finding.
 */
function skippedTurns({ skipped, notes, sources }: TokenizedDataset): Omit<Finding, 'severity'> {
  const found = Array.from(sources.keys()).filter(
    (row) => skipped[row]! > 0 && !hasNote(notes[row]!, 'thoughtsDropped'),
  );
  const turns = found.reduce((sum, row) => sum + skipped[row]!, 0);
  return { code: 'turnsSkipped', rows: [...new Set(found.map((row) => sources[row]!))], params: { turns } };
}

/** Notes taken on rows during tokenization. */
function noted({ notes, sources, droppedThoughts }: TokenizedDataset): Omit<Finding, 'severity'>[] {
  const tokens = droppedThoughts.reduce((sum, count) => sum + count, 0);
  return noteCodes.map((code) => {
    const rows = [...new Set(Array.from(sources).filter((_, row) => hasNote(notes[row]!, code)))];
    const params: Finding['params'] = code === 'thoughtsDropped' ? { tokens } : {};
    return { code, rows, params };
  });
}

/** Rows far longer than the others: they determine the memory of the whole run. */
function outliers({ lengths, sources }: TokenizedDataset): Omit<Finding, 'severity'> {
  const median = lengths.toSorted()[lengths.length >> 1]!;
  const limit = Math.max(MIN_OUTLIER_LENGTH, OUTLIER_FACTOR * median);
  const rows = Array.from(sources).filter((_, row) => lengths[row]! > limit);
  return { code: 'outlier', rows, params: { median, limit } };
}
