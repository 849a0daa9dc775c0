/** The steps in view, both ends included. */
export interface StepRange {
  from: number;
  to: number;
}

/** The fewest steps that can be in view. */
const MIN_SPAN = 4;

/**
 * The whole steps that a brush covers, in either direction, within `bounds`; null where it covers too few, as a click
 * does, or all of them.
 */
export function brushed(start: number, end: number, bounds: StepRange): StepRange | null {
  const from = Math.max(bounds.from, Math.round(Math.min(start, end)));
  const to = Math.min(bounds.to, Math.round(Math.max(start, end)));
  if (to - from < Math.min(MIN_SPAN, bounds.to - bounds.from)) return null;
  return whole({ from, to }, bounds);
}

/**
 * The view nearer (`factor` below 1) or farther, with `centre` at the same place; null where all steps are in view.
 */
export function zoomed(view: StepRange, centre: number, factor: number, bounds: StepRange): StepRange | null {
  const all = bounds.to - bounds.from;
  const span = Math.min(all, Math.max(MIN_SPAN, Math.round((view.to - view.from) * factor)));
  const share = view.to > view.from ? (centre - view.from) / (view.to - view.from) : 0.5;
  return moved(Math.round(centre - share * span), span, bounds);
}

/** The view moved so that `step` is in it, with some steps around it. */
export function showing(view: StepRange | null, step: number, bounds: StepRange): StepRange | null {
  if (!view || (step >= view.from && step <= view.to)) return view;
  const span = view.to - view.from;
  return moved(Math.round(step - span / 2), span, bounds);
}

function moved(from: number, span: number, bounds: StepRange): StepRange | null {
  const start = Math.max(bounds.from, Math.min(bounds.to - span, from));
  return whole({ from: start, to: start + span }, bounds);
}

function whole(view: StepRange, bounds: StepRange): StepRange | null {
  return view.from <= bounds.from && view.to >= bounds.to ? null : view;
}
