import { errorFacts } from '../../base/lib/errorFacts.ts';
import { assert } from '../../base/lib/errors.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { OpenedAdapter } from '../../engine/model/trained/openAdapter.ts';
import type { LoadReports } from '../../session/openModel.ts';
import type { Session } from '../../session/session.ts';
import type { MixedFrom, MixRequest, ShelvedAdapter } from './protocol.ts';

/** Few mix adapters: the code is loaded by the first who does. */
const mixing = () => import('../../content/mix/mixAdapters.ts');

/**
 * Adapters of the open model that were opened or mixed, in main memory: any of them answers without the model being loaded
 * again.
 */
export class AdapterShelf {
  readonly #adapters = new Map<string, OpenedAdapter>();
  #made = 0;

  /** Puts an adapter that fits the open model on the shelf. */
  add(adapter: OpenedAdapter): ShelvedAdapter {
    const id = `shelved-${++this.#made}`;
    this.#adapters.set(id, adapter);
    const { peft, warnings } = adapter;
    return { id, rank: peft.config.r, modules: peft.modules.size, warnings: warnings.map(errorFacts) };
  }

  get(id: string): OpenedAdapter {
    const adapter = this.#adapters.get(id);
    assert(adapter, `no adapter ${id} is on the shelf`);
    return adapter;
  }

  remove(id: string): void {
    this.#adapters.delete(id);
  }

  /** They are of the model before. */
  clear(): void {
    this.#adapters.clear();
  }

  /**
   * Mixes adapters of the shelf, checkpoints of stored runs and the session's result. Throws `merge.mix_*`,
   * `train.full_no_adapter`, `runs.*`, `train.resume_other_model`.
   */
  async mix(
    { adapters, ...options }: MixRequest,
    session: Session,
    store: () => Promise<RunStore>,
    reports: LoadReports,
  ): Promise<OpenedAdapter> {
    const { mixAdapters } = await mixing();
    const peftOf = async (from: MixedFrom) => {
      if (from === 'result') return session.alone(() => session.trained.toPeft());
      if ('shelved' in from) return this.get(from.shelved).peft;
      return session.checkpointPeft(await store(), from.run, from.step, reports);
    };
    const ingredients = [];
    for (const { name, from, weight } of adapters)
      ingredients.push({ name, weight, adapter: await peftOf(from) });
    return { peft: mixAdapters(ingredients, options), warnings: [] };
  }
}
