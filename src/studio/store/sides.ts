import type { ChatAuthor, Project } from '../../hosts/browser/projectsProtocol.ts';
import type { TrainedRef } from '../../hosts/browser/protocol.ts';
import { sideIds, type Side, type SideAnswerer, type Sides } from './state/tryout.ts';
import type { Studio } from './state.ts';

type Asked = Pick<Studio, 'adapter' | 'shelf' | 'tryout'>;
type Known = Asked & Pick<Studio, 'model' | 'runs'>;

/** Whether something can answer now: an adapter only where there is one. */
export function canAnswer(
  { adapter, shelf }: Pick<Studio, 'adapter' | 'shelf'>,
  answerer: SideAnswerer | null,
): boolean {
  if (answerer?.kind === 'shelved') return shelf.some(({ id }) => id === answerer.id);
  return answerer !== null && (answerer.kind !== 'adapter' || adapter !== null);
}

/** What the engine takes in place of the adapter of now; null for that one and for the base. */
export function trainedRef(answerer: SideAnswerer): TrainedRef | null {
  if (answerer.kind === 'shelved') return { shelved: answerer.id };
  return answerer.kind === 'checkpoint' ? { run: answerer.run, step: answerer.step } : null;
}

/** The sides as a project stores them: in place of adapters of the shelf, what stands there at first. */
export function storedSides({ left, right }: Sides): Project['sides'] {
  return {
    left: left.kind === 'shelved' ? { kind: 'base' } : left,
    right: right?.kind === 'shelved' ? { kind: 'adapter' } : right,
  };
}

/** The sides that answer the next message. */
export function askedSides(state: Asked): Side[] {
  return sideIds.filter((side) => canAnswer(state, state.tryout.sides[side]));
}

/** Whether there is anything on the right to be shown: what answers, or what has answered. */
export function hasRight(state: Asked): boolean {
  const { sides, turns } = state.tryout;
  return canAnswer(state, sides.right) || turns.some(({ answers }) => answers.right !== null);
}

/** Whether a side answers with an adapter, whose scale then matters. */
export function hasAdapterSide(state: Asked): boolean {
  return askedSides(state).some((side) => state.tryout.sides[side]?.kind !== 'base');
}

/** What answers, by its name and step as they are now. */
export function authorOf({ adapter, shelf, model, runs, tryout }: Known, answerer: SideAnswerer): ChatAuthor {
  const name = model.summary?.name ?? '';
  if (answerer.kind === 'base') return { model: name, kind: 'base' };
  if (answerer.kind === 'checkpoint') {
    const { run, step } = answerer;
    const head = runs.entries.find(({ id }) => id === run)?.head;
    const known = tryout.checkpoints.find((one) => one.run === run);
    return { model: name, kind: 'checkpoint', name: head?.name ?? known?.name ?? run, step };
  }
  if (answerer.kind === 'shelved')
    return { model: name, kind: 'adapter', name: shelf.find(({ id }) => id === answerer.id)?.name ?? '' };
  if (adapter?.origin === 'opened') return { model: name, kind: 'adapter', name: adapter.name };
  return { model: name, kind: 'adapter', ...(adapter && { step: adapter.steps }) };
}

export function sameAuthor(a: ChatAuthor, b: ChatAuthor): boolean {
  return a.model === b.model && a.kind === b.kind && a.name === b.name && a.step === b.step;
}

/** Whether what was trained or opened has answered the last message, beside another. */
export function isCompared(state: Known): boolean {
  const { sides, turns } = state.tryout;
  const last = turns.at(-1)?.answers;
  if (!last?.left || !last.right || !sides.right || !canAnswer(state, sides.right)) return false;
  return sameAuthor(last.right.by, authorOf(state, sides.right));
}
