/** Something that happened in a run besides its steps, after a step. */
export interface RunMark {
  step: number;
  kind: MarkKind;
}

/** In the order of what matters most where there is room for one alone. `lost`: the GPU device or its worker. */
export const markKinds = ['lost', 'skipped', 'resumed', 'best', 'saved'] as const;
export type MarkKind = (typeof markKinds)[number];

/** The evaluation with the lowest loss after training began, where there are two to choose from; null otherwise. */
export function bestEvaluation(
  evaluations: readonly { step: number; loss: number }[],
): { step: number; loss: number } | null {
  const trained = evaluations.filter(({ step, loss }) => step > 0 && Number.isFinite(loss));
  if (trained.length < 2) return null;
  return trained.reduce((best, one) => (one.loss < best.loss ? one : best));
}

/** Marks so near to each other on an axis that they are one, and whether there is room for its words. */
export interface PlacedMark {
  /** Pixels from the left end of the axis. */
  x: number;
  /** What it is called: the kind that matters most of them. */
  kind: MarkKind;
  marks: RunMark[];
  /** Whether the words fit between the others. */
  worded: boolean;
}

/** Marks nearer than this are one, in pixels. */
const NEAR = 9;

/**
 * Places marks on an axis.
 * @param xOf pixels of a step; null where it is not in view
 * @param width of the axis in pixels
 * @param wordsWidth of a kind's words in pixels
 */
export function placeMarks(
  marks: readonly RunMark[],
  xOf: (step: number) => number | null,
  width: number,
  wordsWidth: (kind: MarkKind) => number,
): PlacedMark[] {
  const placed: PlacedMark[] = [];
  for (const mark of marks.toSorted((a, b) => a.step - b.step)) {
    const x = xOf(mark.step);
    if (x === null) continue;
    const before = placed.at(-1);
    if (before && x - before.x < NEAR) before.marks.push(mark);
    else placed.push({ x, kind: mark.kind, marks: [mark], worded: false });
  }
  for (const one of placed)
    one.kind = markKinds.find((kind) => one.marks.some((mark) => mark.kind === kind))!;
  const taken: [number, number][] = [];
  for (const kind of markKinds) {
    for (const one of placed.filter((mark) => mark.kind === kind)) {
      const [left, right] = extentOf(one.x, wordsWidth(kind), width);
      one.worded = taken.every(([from, to]) => right < from || left > to);
      if (one.worded) taken.push([left, right]);
    }
  }
  return placed;
}

/** Where the words of a mark begin and end: centred under it, but within the axis. */
export function extentOf(x: number, words: number, width: number): [number, number] {
  const left = Math.max(0, Math.min(width - words, x - words / 2));
  return [left, left + words];
}
