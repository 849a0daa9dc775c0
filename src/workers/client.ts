import { connectWorker, type WorkerClient } from './workerClient.ts';
import type { HubApi } from './hubProtocol.ts';
import type { DataApi } from './dataProtocol.ts';
import type { EngineApi } from './protocol.ts';

export { connectWorker, type WorkerClient, type WorkerLike } from './workerClient.ts';

/** The workers of the studio. */
export interface Workers {
  readonly engine: WorkerClient<EngineApi>;
  readonly data: WorkerClient<DataApi>;
  readonly hub: WorkerClient<HubApi>;
}

/** Connects the page to its workers, and those that read models to the one that fetches; none is started before its first call. */
export function connectWorkers(): Workers {
  const engine = connectWorker<EngineApi>(
    'engine',
    () => new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
  );
  const data = connectWorker<DataApi>(
    'data',
    () => new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module', name: 'data' }),
  );
  const hub = connectWorker<HubApi>(
    'hub',
    () => new Worker(new URL('./hub.worker.ts', import.meta.url), { type: 'module', name: 'hub' }),
  );
  for (const reader of [engine, data]) introduce(reader, hub);
  return { engine, data, hub };
}

/** Gives `reader` a port to the hub worker whenever either of them starts. */
export function introduce(
  reader: Pick<WorkerClient<EngineApi> | WorkerClient<DataApi>, 'call' | 'onStart' | 'isRunning'>,
  hub: Pick<WorkerClient<HubApi>, 'call' | 'onStart' | 'isRunning'>,
): void {
  const meet = () => {
    if (!reader.isRunning() || !hub.isRunning()) return;
    const { port1, port2 } = new MessageChannel();
    // Neither call can fail but by the end of its worker, of which all hear.
    hub.call.serve(port1).catch(() => undefined);
    reader.call.connectHub(port2).catch(() => undefined);
  };
  reader.onStart(meet);
  hub.onStart(meet);
}
