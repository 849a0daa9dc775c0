import type { Answerer, ChatAuthor } from '../../hosts/browser/projectsProtocol.ts';
import { sideIds, type Side } from './state/tryout.ts';
import type { Studio } from './state.ts';

type Known = Pick<Studio, 'adapter' | 'model' | 'runs' | 'tryout'>;

/** Whether something can answer now: the adapter only where there is one. */
export function canAnswer({ adapter }: Pick<Studio, 'adapter'>, answerer: Answerer | null): boolean {
  return answerer !== null && (answerer.kind !== 'adapter' || adapter !== null);
}

/** The sides that answer the next message. */
export function askedSides(state: Pick<Studio, 'adapter' | 'tryout'>): Side[] {
  return sideIds.filter((side) => canAnswer(state, state.tryout.sides[side]));
}

/** Whether there is anything on the right to be shown: what answers, or what has answered. */
export function hasRight(state: Pick<Studio, 'adapter' | 'tryout'>): boolean {
  const { sides, turns } = state.tryout;
  return canAnswer(state, sides.right) || turns.some(({ answers }) => answers.right !== null);
}

/** Whether a side answers with an adapter, whose scale then matters. */
export function hasAdapterSide(state: Pick<Studio, 'adapter' | 'tryout'>): boolean {
  return askedSides(state).some((side) => state.tryout.sides[side]?.kind !== 'base');
}

/** What answers, by its name and step as they are now. */
export function authorOf({ adapter, model, runs, tryout }: Known, answerer: Answerer): ChatAuthor {
  const name = model.summary?.name ?? '';
  if (answerer.kind === 'base') return { model: name, kind: 'base' };
  if (answerer.kind === 'checkpoint') {
    const { run, step } = answerer;
    const head = runs.entries.find(({ id }) => id === run)?.head;
    const known = tryout.checkpoints.find((one) => one.run === run);
    return { model: name, kind: 'checkpoint', name: head?.name ?? known?.name ?? run, step };
  }
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
