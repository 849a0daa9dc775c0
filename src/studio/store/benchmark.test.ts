import { describe, expect, it } from 'vitest';
import { serviceClient, noCache } from '../../testing/workers.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import { createEngineService } from '../../hosts/browser/engineService.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import type { EngineApi } from '../../hosts/browser/protocol.ts';
import { Metrics } from './metrics.ts';
import { busyWith } from './state.ts';
import { createStudio } from './studio.ts';

/** The page's store with the workers' services in this thread; Node has no WebGPU, so the engine opens no device. */
function openStudio() {
  const workers = {
    engine: serviceClient<EngineApi>(createEngineService()),
    data: serviceClient<DataApi>(createDataService(textInThread)),
    hub: serviceClient<HubApi>(createHubService(noCache)),
  };
  return createStudio({ workers, metrics: new Metrics() });
}

describe('benchmark', () => {
  it('blocks the engine, and reports its own errors', async () => {
    const studio = openStudio();
    const state = () => studio.getState();
    const run = state().runBenchmark();
    expect(busyWith(state())).toBe('benchmark');
    await run;
    expect(busyWith(state())).toBeNull();
    expect(state().benchmark.status).toBe('failed');
    expect(state().benchmark.error).not.toBeNull();
    state().dismissBenchmarkError();
    expect(state().benchmark).toMatchObject({ status: 'idle', error: null, result: null });
  });

  it('does not start while the engine trains', async () => {
    const studio = openStudio();
    studio.setState(({ run }) => ({ run: { ...run, status: 'running' } }));
    await studio.getState().runBenchmark();
    expect(studio.getState().benchmark.status).toBe('idle');
  });
});
