import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../content/hub/clock.ts';
import { Hub, type HubSettings } from '../content/hub/hub.ts';
import type { HubServer } from './hubServer.ts';
import type { ServedModel } from './servedModel.ts';

/** A clock whose sleeps return at once and add up in `slept`, in milliseconds. */
export class TestClock implements Clock {
  time = 0;
  readonly slept: number[] = [];

  now(): number {
    return this.time;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.time += ms;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A client of a test Hub that never really waits. */
export function testHub(server: HubServer, settings: HubSettings = {}): { hub: Hub; clock: TestClock } {
  const clock = new TestClock();
  return { hub: new Hub({ endpoint: server.endpoint, clock, ...settings }), clock };
}

/** A folder of files as a model for a test Hub to serve. */
export function servedFolder(path: string): ServedModel {
  const files = readdirSync(path).map((file) => [file, readFileSync(join(path, file))] as const);
  return { files: Object.fromEntries(files), license: 'mit' };
}
