import { losesDevice } from '../../base/lib/errorKind.ts';
import { connectWorker, type WorkerClient } from '../../base/threads/workerClient.ts';
import type { HubApi } from './hubProtocol.ts';
import type { DataApi } from './dataProtocol.ts';
import type { EngineApi } from './protocol.ts';

export {
  callsOf,
  connectWorker,
  restartAfter,
  type WorkerClient,
  type WorkerLike,
} from '../../base/threads/workerClient.ts';

/** The workers of the studio. */
export interface Workers {
  readonly engine: WorkerClient<EngineApi>;
  readonly data: WorkerClient<DataApi>;
  readonly hub: WorkerClient<HubApi>;
}

/** Connects the page to its workers, and those that read models to the hub worker. Each starts at its first call. */
export function connectWorkers(): Workers {
  const engine = connectWorker<EngineApi>(
    'engine',
    () => new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
    losesDevice,
  );
  const data = connectWorker<DataApi>(
    'data',
    () => new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module', name: 'data' }),
  );
  const hub = connectWorker<HubApi>(
    'hub',
    () => new Worker(new URL('./hub.worker.ts', import.meta.url), { type: 'module', name: 'hub' }),
  );
  for (const reader of [engine, data]) linkToHub(reader, hub);
  return { engine, data, hub };
}

/** Gives `reader` a port to the hub worker whenever either of them starts. */
export function linkToHub(
  reader: Pick<WorkerClient<EngineApi> | WorkerClient<DataApi>, 'call' | 'onStart' | 'isRunning'>,
  hub: Pick<WorkerClient<HubApi>, 'call' | 'onStart' | 'isRunning'>,
): void {
  const link = () => {
    if (!reader.isRunning() || !hub.isRunning()) return;
    const { port1, port2 } = new MessageChannel();
    // These calls fail only when their worker ends, which every client reports by itself.
    hub.call.serve(port1).catch(() => undefined);
    reader.call.connectHub(port2).catch(() => undefined);
  };
  reader.onStart(link);
  hub.onStart(link);
}
