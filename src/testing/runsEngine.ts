import { join } from 'node:path';
import shaders from 'virtual:shaders';
import { openDawn } from '../cli/dawn.ts';
import { noChoices } from '../gpu/choices.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { assert, GraftError } from '../lib/errors.ts';
import { RunStore } from '../runs/runStore.ts';
import type { MemoryFolder } from '../storage/memoryFolder.ts';
import { nodeLocks } from '../storage/nodeLocks.ts';
import { createEngineDesk } from '../workers/engineDesk.ts';
import { createHubLink } from '../workers/hubLink.ts';
import type { KeptTraining } from '../workers/keptTraining.ts';
import { summarize } from '../workers/modelSummary.ts';
import { OpenedModel } from '../workers/openedModel.ts';
import type { EngineApi, ModelSource } from '../workers/protocol.ts';
import type { Throwing } from '../workers/result.ts';
import { createRunsDesk } from '../workers/runsDesk.ts';
import { createTrainingDesk } from '../workers/trainingDesk.ts';
import { FaultyDisk } from './faultyDirectory.ts';

/** A disk on which nothing more can be written while it is full. */
export class SmallDisk extends FaultyDisk {
  full = false;
  override call(file: string, writes: boolean): boolean {
    if (this.full && writes) throw new GraftError('storage.quota', { file });
    return super.call(file, writes);
  }
}

/** A model in memory as files that a person has dropped. */
export function dropped(folder: MemoryFolder, name = 'tiny'): ModelSource {
  return {
    kind: 'files',
    name,
    files: [...folder.files].map(([file, bytes]) => new File([bytes], file)),
  };
}

/**
 * The engine's desk in Node as far as models and runs go: it trains on Dawn and stores runs on a disk in memory. A device
 * that is lost takes the model along, as the end of a worker would.
 * @param scratch a folder for locks of its own
 * @param stores false for a browser that denies storage
 */
export function openRunsEngine(scratch: string, { stores = true } = {}) {
  const disk = new SmallDisk();
  const store = new RunStore(disk.root, nodeLocks(join(scratch, `locks-${crypto.randomUUID()}`)));
  const opened = stores
    ? async () => store
    : () => Promise.reject(new GraftError('storage.opfs_denied', { detail: 'test' }));
  let gpu: Promise<Gpu> | null = null;
  let model: OpenedModel | null = null;
  let kept: KeptTraining | null = null;
  const device = () => (gpu ??= openGpu(openDawn(), shaders));
  const { api, training } = createTrainingDesk({
    ...{ device, store: opened, choices: async () => noChoices, inTurn: (job) => job() },
    opened() {
      assert(model, 'no model is open');
      return model;
    },
    keep(trained) {
      kept?.trained.dispose();
      kept = trained;
    },
  });
  const desk: Throwing<EngineApi> = {
    ...createEngineDesk(),
    ...api,
    ...createRunsDesk(opened, training),
    async openModel(source) {
      model = await OpenedModel.open(source, createHubLink());
      return summarize(model.name, model.files, model.tokenizer);
    },
  };
  return {
    ...{ desk, store, disk, training },
    headerOf: async (id: string) => (await store.list()).find((run) => run.id === id),
    async loseDevice() {
      const lost = await device();
      [gpu, model, kept] = [null, null, null];
      lost.device.destroy();
    },
  };
}
