import { expose } from '../../../base/threads/errorTransfer.ts';
import type { WorkerClient } from '../../../base/threads/workerClient.ts';
import type { EngineApi } from '../protocol.ts';
import type { SandboxApi, SandboxedSource } from './sandboxApi.ts';

/**
 * Runs functions of recipes for the engine's worker in frames of this page, each only if `allow` says so: whichever way a
 * recipe came, there is no other to run one. They end with the engine's worker.
 */
export function serveSandboxes(
  engine: Pick<WorkerClient<EngineApi>, 'call' | 'onStart' | 'onCrash'>,
  allow: (what: SandboxedSource) => Promise<boolean>,
): void {
  let close = () => undefined as void;
  engine.onCrash(() => close());
  engine.onStart(() => {
    const { port1, port2 } = new MessageChannel();
    const running = new Map<string, () => void>();
    let closed = false;
    close = () => {
      closed = true;
      for (const end of running.values()) end();
      running.clear();
      port1.close();
    };
    const api: SandboxApi = {
      async open(id, what, port) {
        if (!(await allow(what))) return false;
        const { openSandbox } = await import('./openSandbox.ts');
        const { workerScript } = await import('./workerScript.ts');
        if (!closed) running.set(id, openSandbox(workerScript(what.source), port));
        return true;
      },
      async close(id) {
        running.get(id)?.();
        running.delete(id);
      },
    };
    expose(api, port1);
    // It fails only when the worker ends, which its client reports by itself.
    engine.call.connectSandboxes(port2).catch(() => undefined);
  });
}
