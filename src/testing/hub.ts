import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../hub/clock.ts';
import { Hub, type HubSettings } from '../hub/hub.ts';
import type { HubServer, ServedModel } from './hubServer.ts';

/** A clock whose sleeps take no time and add up in `slept`, in milliseconds. */
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

/** A client of a test Hub whose waits take no time. */
export function testHub(server: HubServer, settings: HubSettings = {}): { hub: Hub; clock: TestClock } {
  const clock = new TestClock();
  return { hub: new Hub({ endpoint: server.endpoint, clock, ...settings }), clock };
}

/** A folder of files as a model for a test Hub to serve. */
export function servedFolder(path: string): ServedModel {
  const files = readdirSync(path).map((file) => [file, readFileSync(join(path, file))] as const);
  return { files: Object.fromEntries(files), license: 'mit' };
}
