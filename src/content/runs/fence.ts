import { GraftError } from '../../base/lib/errors.ts';
import type { Directory, Owner } from '../../base/storage/types.ts';

/**
 * A time of ownership of a run. Each owner has the next number; the letters distinguish two that took the same one. It is part
 * of the names of the files its owner writes, which nobody else writes.
 */
export interface Term {
  number: number;
  letters: string;
}

/** Before runs had terms, and where there is but one owner. */
export const noTerm: Term = { number: 0, letters: '' };

const marker = /^owner\.(\d{1,15}-[0-9a-f]{8})$/;

/** Below 0 where `a` is the earlier. */
export function compareTerms(a: Term, b: Term): number {
  if (a.number !== b.number) return a.number - b.number;
  if (a.letters === b.letters) return 0;
  return a.letters < b.letters ? -1 : 1;
}

/** A term in a file's name, after a dot; nothing for `noTerm`. */
export function termSuffix({ number, letters }: Term): string {
  return number === 0 ? '' : `.${number}-${letters}`;
}

/** The term of a suffix without its dot. */
export function parseTerm(text: string | undefined): Term {
  if (text === undefined) return noTerm;
  const [number, letters] = text.split('-') as [string, string];
  return { number: Number(number), letters };
}

/** The letters and digits of a term in a pattern of file names. */
export const termPattern = '(?:\\.(\\d{1,15}-[0-9a-f]{8}))?';

/**
 * What separates an owner of a run from those before. A lock alone cannot: an owner that was stopped, or was cut off from a
 * network folder, may wake in the middle of a write. So each owner first leaves a marker with its term in the run's folder;
 * who finds a later one there has lost the run.
 */
export class Fence {
  readonly term: Term;
  /** For messages: the run's name, once it is known. */
  run: string;
  readonly #directory: Directory;
  readonly #owner: Owner;

  private constructor(directory: Directory, owner: Owner, term: Term) {
    this.#directory = directory;
    this.#owner = owner;
    this.term = term;
    this.run = directory.name;
  }

  /**
   * Begins the next term. From when this resolves on, nothing that earlier owners write counts, and what they were told is
   * committed can be read. Throws what writing throws.
   */
  static async raise(directory: Directory, owner: Owner): Promise<Fence> {
    const earlier = await markers(directory);
    const number = 1 + Math.max(0, ...earlier.map(({ term }) => term.number));
    const letters = crypto.getRandomValues(new Uint32Array(1))[0]!.toString(16).padStart(8, '0');
    const fence = new Fence(directory, owner, { number, letters });
    const file = await directory.edit(`owner${termSuffix(fence.term)}`);
    try {
      await file.flush();
    } finally {
      await file.close();
    }
    await fence.check();
    for (const { name } of earlier) await directory.remove(name).catch(() => undefined);
    return fence;
  }

  /** Resolves where the run is still its owner's. Throws `runs.taken_over`. */
  async check(): Promise<void> {
    await this.#owner.check().catch((error: unknown) => {
      const isLost = error instanceof GraftError && error.code === 'storage.lost_ownership';
      throw isLost ? this.#takenOver(error) : error;
    });
    const newest = (await markers(this.#directory))
      .map(({ term }) => term)
      .sort(compareTerms)
      .at(-1);
    if (!newest || compareTerms(newest, this.term) !== 0) throw this.#takenOver();
  }

  #takenOver(cause?: unknown): GraftError {
    return new GraftError('runs.taken_over', { run: this.run }, { cause });
  }
}

async function markers(directory: Directory): Promise<{ name: string; term: Term }[]> {
  return (await directory.list()).flatMap((name) => {
    const [, term] = marker.exec(name) ?? [];
    return term === undefined ? [] : [{ name, term: parseTerm(term) }];
  });
}

/** Whether an error says that another has taken the run over. */
export function isTakenOver(error: unknown): boolean {
  return error instanceof GraftError && error.code === 'runs.taken_over';
}
