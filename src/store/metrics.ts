import { memoryParts } from '../lib/memoryParts.ts';
import type { CurveRecord, MemoryByPart, TrainEvent } from '../workers/protocol.ts';

export type StepEvent = Extract<TrainEvent, { kind: 'step' }>;

/**
 * Weight of the past in the smoothed loss of a run of that many steps: the average looks back over about a
 * fifteenth of the run, between 4 and 20 steps, so that a short run isn't shown behind itself.
 */
export function smoothingFor(totalSteps: number): number {
  return 1 - 1 / Math.min(20, Math.max(4, totalSteps / 15));
}

/** Memory of a run that was not watched. */
const noMemory = Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart;

const columns = ['step', 'loss', 'smoothed', 'gradNorm', 'lr', 'tokensPerSecond'] as const;
type Column = (typeof columns)[number];
type Told = Pick<StepEvent, Exclude<Column, 'smoothed'>>;

/** What the chart draws: one entry a step; `evaluation` has gaps. */
export interface ChartData {
  steps: number[];
  loss: (number | null)[];
  smoothed: (number | null)[];
  evaluation: (number | null)[];
}

/**
 * The curves of a run, in typed arrays outside React. Listeners hear of changes at most every `interval` ms,
 * however fast the steps come.
 */
export class Metrics {
  #length = 0;
  #data: Record<Column, Float64Array> = emptyColumns(256);
  #evaluations: { step: number; loss: number }[] = [];
  #smoothing = smoothingFor(0);
  #average = 0;
  #weight = 0;
  #latest: StepEvent | null = null;
  #version = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly interval = 200) {}

  /** Number of optimizer steps recorded. */
  get length(): number {
    return this.#length;
  }

  /** Changes whenever listeners are told; for useSyncExternalStore. */
  readonly version = (): number => this.#version;

  /** The last step, or null. */
  get latest(): StepEvent | null {
    return this.#latest;
  }

  /** The evaluations so far, in order. */
  get evaluations(): readonly { step: number; loss: number }[] {
    return this.#evaluations;
  }

  /** The value of a column at row `index`. */
  at(column: Column, index: number): number {
    return this.#data[column][index] ?? NaN;
  }

  /** Sets how much is smoothed; before the first step. */
  begin(totalSteps: number): void {
    this.#smoothing = smoothingFor(totalSteps);
  }

  /** Draws again what a stored run has told before; its speed and memory of then are not known. */
  restore(curves: readonly CurveRecord[], totalSteps: number): void {
    this.reset();
    this.begin(totalSteps);
    const unknown = { tokensPerSecond: NaN, secondsLeft: NaN, gpuBytes: 0, gpuParts: noMemory, spike: false };
    for (const record of curves) {
      if (record.kind === 'step') this.push({ ...record, ...unknown });
      if (record.kind === 'eval') this.pushEvaluation(record.step, record.loss);
    }
    this.flush();
  }

  /** Forgets what came after a step: the run went back to it. */
  rewind(step: number): void {
    const kept = Array.from({ length: this.#length }, (_, i) => this.#rowAt(i)).filter(
      (row) => row.step <= step,
    );
    const evaluations = this.#evaluations.filter((evaluation) => evaluation.step <= step);
    const latest = this.#latest;
    const smoothing = this.#smoothing;
    this.reset();
    this.#smoothing = smoothing;
    for (const row of kept) {
      this.#append(row);
    }
    this.#evaluations = evaluations;
    this.#latest = latest && latest.step <= step ? latest : null;
    this.flush();
  }

  /** Adds a step. A loss that is not finite leaves the smoothed curve where it was. */
  push(event: StepEvent): void {
    this.#append(event);
    this.#latest = event;
    this.#schedule();
  }

  #rowAt(i: number): Told {
    const [step, loss, gradNorm, lr, tokensPerSecond] = (
      ['step', 'loss', 'gradNorm', 'lr', 'tokensPerSecond'] as const
    ).map((column) => this.at(column, i)) as [number, number, number, number, number];
    return { step, loss, gradNorm, lr, tokensPerSecond };
  }

  #append(event: Told): void {
    if (this.#length === this.#data.step.length) this.#grow();
    const i = this.#length++;
    if (Number.isFinite(event.loss)) {
      // Exponential moving average from zero, divided by the weight seen so far: unbiased from the first step.
      this.#average = this.#smoothing * this.#average + (1 - this.#smoothing) * event.loss;
      this.#weight = this.#smoothing * this.#weight + (1 - this.#smoothing);
    }
    const row: Record<Column, number> = {
      step: event.step,
      loss: event.loss,
      smoothed: this.#weight > 0 ? this.#average / this.#weight : NaN,
      gradNorm: event.gradNorm,
      lr: event.lr,
      tokensPerSecond: event.tokensPerSecond,
    };
    for (const column of columns) this.#data[column][i] = row[column];
  }

  /** Adds an evaluation after `step`. */
  pushEvaluation(step: number, loss: number): void {
    this.#evaluations.push({ step, loss });
    this.#schedule();
  }

  /** Forgets everything, for a new run. */
  reset(): void {
    this.#length = 0;
    this.#data = emptyColumns(256);
    this.#evaluations = [];
    this.#average = 0;
    this.#weight = 0;
    this.#latest = null;
    this.flush();
  }

  /** Tells the listeners now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#version++;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after changes, batched; returns how to stop. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The curves, thinned to at most about `limit` steps; evaluations are always kept. */
  chartData(limit = 4000): ChartData {
    const evaluation = new Map(this.#evaluations.map(({ step, loss }) => [step, loss]));
    const stride = Math.max(1, Math.ceil(this.#length / limit));
    const data: ChartData = { steps: [], loss: [], smoothed: [], evaluation: [] };
    if (evaluation.has(0)) append(data, 0, NaN, NaN, evaluation.get(0));
    for (let i = 0; i < this.#length; i++) {
      const step = this.at('step', i);
      if (i % stride !== 0 && i !== this.#length - 1 && !evaluation.has(step)) continue;
      append(data, step, this.at('loss', i), this.at('smoothed', i), evaluation.get(step));
    }
    return data;
  }

  #grow(): void {
    const larger = emptyColumns(this.#data.step.length * 2);
    for (const column of columns) larger[column].set(this.#data[column]);
    this.#data = larger;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.interval);
  }
}

function append(data: ChartData, step: number, loss: number, smoothed: number, evaluation?: number): void {
  data.steps.push(step);
  data.loss.push(finite(loss));
  data.smoothed.push(finite(smoothed));
  data.evaluation.push(finite(evaluation ?? NaN));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function emptyColumns(capacity: number): Record<Column, Float64Array> {
  return Object.fromEntries(columns.map((column) => [column, new Float64Array(capacity)])) as Record<
    Column,
    Float64Array
  >;
}
