/** What makes rows of tokens preference data. */
export interface PreferenceColumn {
  /** `pairs`: a row is the sequence with the better answer, and then that with the worse one. `labels`: one sequence. */
  kind: 'pairs' | 'labels';
  /** [rows] of a pair, the tokens of its first sequence; of an answer, 1 where it is good and 0 where it is bad. */
  values: Uint32Array;
}

/** The same of one row. */
export interface PreferenceMark {
  kind: PreferenceColumn['kind'];
  value: number;
}

/** A token axis [start, end) that attends to nothing before it. */
export interface SequenceSpan {
  start: number;
  end: number;
}

/** The sequences of a row: two of a pair, else one. */
export function sequencesOf(
  { offsets, preference }: { offsets: Uint32Array; preference?: PreferenceColumn | undefined },
  row: number,
): SequenceSpan[] {
  const [start, end] = [offsets[row]!, offsets[row + 1]!];
  if (preference?.kind !== 'pairs') return [{ start, end }];
  const middle = start + preference.values[row]!;
  return [
    { start, end: middle },
    { start: middle, end },
  ];
}

/** Sequences with a good answer, or the better one of a pair. */
export function goodSequences(rows: {
  offsets: Uint32Array;
  preference?: PreferenceColumn | undefined;
}): SequenceSpan[] {
  const { offsets, preference } = rows;
  const all = Array.from({ length: offsets.length - 1 }, (_, row) => row);
  const good = all.filter((row) => preference?.kind !== 'labels' || preference.values[row] === 1);
  return good.map((row) => sequencesOf(rows, row)[0]!);
}

/** The marks of rows as a column; none where rows have none. */
export function columnOf(marks: readonly (PreferenceMark | undefined)[]): { preference?: PreferenceColumn } {
  const [first] = marks;
  if (!first) return {};
  return { preference: { kind: first.kind, values: Uint32Array.from(marks, (mark) => mark!.value) } };
}

/** The mark of a row. */
export function markOf(preference: PreferenceColumn | undefined, row: number): PreferenceMark | undefined {
  return preference && { kind: preference.kind, value: preference.values[row]! };
}
