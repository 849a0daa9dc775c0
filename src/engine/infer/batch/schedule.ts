import { assert } from '../../../base/lib/errors.ts';
import { NEW_STATE } from '../../kernels/segmentPool.ts';
import type { PoolSize } from '../../model/decoder/mixers/mixer.ts';
import { SegmentSpace, type Segment } from './segmentSpace.ts';
import { sharedGroups } from './sharing.ts';

/** A text to be continued: what a schedule knows of a request. */
export interface ScheduledText {
  prompt: readonly number[];
  /** The most tokens that follow the prompt. */
  maxTokens: number;
}

/** Tokens of one text in a step. */
export interface StepPart {
  ids: readonly number[];
  /** Position of the first of them. */
  position: number;
  /** Row of the pool that the first of them is written to. */
  row: number;
  /** What the text shares with others, and the first row of its own. */
  shared: Segment;
  own: number;
  /** The state it goes on from, or `NEW_STATE`, and the one it leaves. */
  from: number;
  to: number;
  /** The request whose next token follows from these; null where more of its prompt is to come, or none is wanted. */
  request: number | null;
}

/** A text whose keys and state are in the pools. */
interface Held {
  keys: Segment;
  state: number;
  /** Tokens of its own that have not run yet. */
  pending: number[];
  /** Tokens of its own that have. */
  done: number;
  /** Whether all that it had to run ran in steps before this one. */
  ran: boolean;
  beginning: Beginning | null;
  /** Null for a beginning. */
  request: number | null;
}

/** What several requests begin with. */
interface Beginning {
  ids: readonly number[];
  /** Requests that still need it. */
  users: number;
  held: Held | null;
}

const NOTHING: Segment = { start: 0, rows: 0 };

/** Rows that a request's own tokens take: its last token never runs. */
function ownRows({ prompt, maxTokens }: ScheduledText, shared: number): number {
  return prompt.length + maxTokens - 1 - shared;
}

/** The most rows that pools need for `sequences` requests at once, what they share included, and the fewest for any. */
export function rowsFor(
  texts: readonly ScheduledText[],
  sequences: number,
): { most: number; fewest: number } {
  const groups = sharedGroups(texts.map(({ prompt }) => prompt));
  const own = groups
    .flatMap(({ members, shared }) => members.map((i) => ownRows(texts[i]!, shared)))
    .sort((a, b) => b - a);
  const beginnings = groups.map(({ shared }) => shared).sort((a, b) => b - a);
  const sum = (all: readonly number[]) => all.slice(0, sequences).reduce((total, n) => total + n, 0);
  const alone = groups.flatMap(({ members, shared }) =>
    members.map((i) => shared + ownRows(texts[i]!, shared)),
  );
  return { most: sum(own) + sum(beginnings), fewest: Math.max(0, ...alone) };
}

/**
 * Who runs when: prompts wait until rows and a state of the pools are free, are computed in parts beside the texts that
 * already decode, and what ends makes room. What prompts begin with alike is computed once. Tokens on the GPU are not its
 * concern: it says what a step runs, and is told what was sampled.
 */
export class Schedule {
  readonly #texts: readonly ScheduledText[];
  readonly #sequences: number;
  readonly #stepTokens: number;
  readonly #space: SegmentSpace;
  readonly #states: number[];
  /** Requests in the order in which they begin, with their shared beginning. */
  readonly #waiting: { request: number; beginning: Beginning | null }[];
  /** What runs, beginnings among them, in the order in which it began. */
  readonly #running = new Set<Held>();
  readonly #heldBy = new Map<number, Held>();

  /**
   * @param size of the pools: at least what `rowsFor` says any text needs, and two states
   * @param sequences that run at once, at most
   * @param stepTokens of prompts in a step, at most
   */
  constructor(
    texts: readonly ScheduledText[],
    { size, sequences, stepTokens }: { size: PoolSize; sequences: number; stepTokens: number },
  ) {
    this.#texts = texts;
    this.#sequences = sequences;
    this.#stepTokens = stepTokens;
    this.#space = new SegmentSpace(size.keys);
    this.#states = Array.from({ length: size.states }, (_, i) => size.states - 1 - i);
    this.#waiting = sharedGroups(texts.map(({ prompt }) => prompt)).flatMap(({ members, shared }) => {
      const ids = texts[members[0]!]!.prompt.slice(0, shared);
      const beginning = shared > 0 ? { ids, users: members.length, held: null } : null;
      return members.map((request) => ({ request, beginning }));
    });
  }

  /** Whether all requests have ended. */
  get done(): boolean {
    return this.#waiting.length === 0 && this.#heldBy.size === 0;
  }

  /** The tokens of the next step. */
  next(): StepPart[] {
    let room = this.#stepTokens;
    const parts: StepPart[] = [];
    for (const held of this.#running) held.ran = held.pending.length === 0;
    const run = (held: Held) => {
      // Texts that decode are not held up by prompts.
      const single = held.request !== null && held.pending.length === 1;
      const count = single ? 1 : Math.min(held.pending.length, room);
      if (count === 0 || held.beginning?.held?.ran === false) return;
      if (!single) room -= count;
      parts.push(this.#part(held, count));
    };
    const begun = new Set(this.#running);
    for (const held of begun) run(held);
    while (room > 0 && this.#admit()) {
      for (const held of this.#running) {
        if (!begun.has(held)) run(held);
        begun.add(held);
      }
    }
    assert(parts.length > 0 || this.done, 'schedule: nothing can run');
    return parts;
  }

  /** A request goes on with a token. */
  append(request: number, id: number): void {
    this.#heldBy.get(request)!.pending.push(id);
  }

  /** A request has ended: what it holds is free. */
  end(request: number): void {
    const held = this.#heldBy.get(request)!;
    this.#heldBy.delete(request);
    this.#free(held);
    const { beginning } = held;
    if (!beginning) return;
    beginning.users -= 1;
    if (beginning.users === 0) this.#drop(beginning);
  }

  /** Lets the next request in, if the pools have room for it. */
  #admit(): boolean {
    const [next] = this.#waiting;
    if (!next || this.#heldBy.size >= this.#sequences) return false;
    const { request, beginning } = next;
    const text = this.#texts[request]!;
    const rows = ownRows(text, beginning?.ids.length ?? 0);
    if (!this.#tryAdmit(request, beginning, rows)) {
      // Alone, a text fits unless the run of its beginning parts the free rows.
      if (this.#heldBy.size > 0) return false;
      if (beginning) this.#drop(beginning);
      assert(this.#tryAdmit(request, beginning, rows), 'schedule: the pools are too small for a text');
    }
    this.#waiting.shift();
    return true;
  }

  #tryAdmit(request: number, beginning: Beginning | null, rows: number): boolean {
    if (beginning && !beginning.held) {
      const held = this.#hold(beginning.ids.length, beginning.ids, null, null);
      if (!held) return false;
      beginning.held = held;
    }
    const { prompt } = this.#texts[request]!;
    const held = this.#hold(rows, prompt.slice(beginning?.ids.length ?? 0), beginning, request);
    if (held) this.#heldBy.set(request, held);
    return held !== null;
  }

  #hold(
    rows: number,
    ids: readonly number[],
    beginning: Beginning | null,
    request: number | null,
  ): Held | null {
    if (this.#states.length === 0) return null;
    const keys = this.#space.take(rows);
    if (!keys) return null;
    const state = this.#states.pop()!;
    const held = { keys, state, pending: [...ids], done: 0, ran: false, beginning, request };
    this.#running.add(held);
    return held;
  }

  #drop(beginning: Beginning): void {
    if (beginning.held) this.#free(beginning.held);
    beginning.held = null;
  }

  #free(held: Held): void {
    this.#running.delete(held);
    this.#space.give(held.keys);
    this.#states.push(held.state);
  }

  #part(held: Held, count: number): StepPart {
    const { keys, state, beginning, done, request } = held;
    const shared = beginning?.held?.keys ?? NOTHING;
    const ids = held.pending.splice(0, count);
    held.done += count;
    return {
      ids,
      position: shared.rows + done,
      row: keys.start + done,
      shared,
      own: keys.start,
      from: done > 0 ? state : (beginning?.held?.state ?? NEW_STATE),
      to: state,
      request: held.pending.length === 0 ? request : null,
    };
  }
}
