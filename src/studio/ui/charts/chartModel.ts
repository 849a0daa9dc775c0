import type UPlot from 'uplot';
import type { StepRange } from './stepRange.ts';

/** How charts of a run are looked at. */
export interface ChartView {
  /** Steps in view; null for all. */
  range: StepRange | null;
  /** Whether the loss axis is logarithmic. */
  log: boolean;
}

/** What the charts of one run share: the steps in view and the step under the pointer or the keyboard's cursor. */
export class ChartModel {
  #view: ChartView = { range: null, log: false };
  #cursor: number | null = null;
  readonly #viewListeners = new Set<() => void>();
  readonly #cursorListeners = new Set<() => void>();
  /** The large chart, to export it; null before it is drawn. */
  plot: UPlot | null = null;

  /** For useSyncExternalStore: the same object until something of it changes. */
  readonly view = (): ChartView => this.#view;
  readonly cursor = (): number | null => this.#cursor;

  /** Shows these steps; null for all. */
  zoom(range: StepRange | null): void {
    this.#setView({ ...this.#view, range });
  }

  setLog(log: boolean): void {
    this.#setView({ ...this.#view, log });
  }

  /** Points at a step in all charts; null at none. */
  point(step: number | null): void {
    if (step === this.#cursor) return;
    this.#cursor = step;
    for (const listener of this.#cursorListeners) listener();
  }

  readonly subscribeView = (listener: () => void): (() => void) => {
    this.#viewListeners.add(listener);
    return () => this.#viewListeners.delete(listener);
  };

  readonly subscribeCursor = (listener: () => void): (() => void) => {
    this.#cursorListeners.add(listener);
    return () => this.#cursorListeners.delete(listener);
  };

  #setView(view: ChartView): void {
    this.#view = view;
    for (const listener of this.#viewListeners) listener();
  }
}
