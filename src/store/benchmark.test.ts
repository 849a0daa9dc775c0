import { describe, expect, it } from 'vitest';
import { deskClient, noCache } from '../testing/workers.ts';
import { textInThread } from '../testing/textWorkers.ts';
import { createDataDesk } from '../workers/dataDesk.ts';
import type { DataApi } from '../workers/dataProtocol.ts';
import { createEngineDesk } from '../workers/engineDesk.ts';
import { createHubDesk } from '../workers/hubDesk.ts';
import type { HubApi } from '../workers/hubProtocol.ts';
import type { EngineApi } from '../workers/protocol.ts';
import { Metrics } from './metrics.ts';
import { busyWith } from './state.ts';
import { createStudio } from './studio.ts';

/** The page's store with the workers' own desks in this thread; Node has no WebGPU, so the engine opens no device. */
function openStudio() {
  const workers = {
    engine: deskClient<EngineApi>(createEngineDesk()),
    data: deskClient<DataApi>(createDataDesk(textInThread)),
    hub: deskClient<HubApi>(createHubDesk(noCache)),
  };
  return createStudio({ workers, metrics: new Metrics() });
}

describe('benchmark', () => {
  it('keeps the engine to itself, and tells in its place what went wrong', async () => {
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

  it('does not begin while the engine trains', async () => {
    const studio = openStudio();
    studio.setState(({ run }) => ({ run: { ...run, status: 'running' } }));
    await studio.getState().runBenchmark();
    expect(studio.getState().benchmark.status).toBe('idle');
  });
});
