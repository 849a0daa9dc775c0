import { readFileSync, utimesSync, writeFileSync } from 'node:fs';

/** Makes a lock look as if its owner had given no sign of life for a day. */
export function makeSilent(lock: string): void {
  const longAgo = new Date(Date.now() - 86_400_000);
  utimesSync(lock, longAgo, longAgo);
}

/** Makes it look as if that owner were on another machine, too: then it is taken for dead, and may wake. */
export function makeForeign(lock: string): void {
  const record = JSON.parse(readFileSync(lock, 'utf8')) as object;
  writeFileSync(lock, JSON.stringify({ ...record, machine: 'another', boot: 'another' }));
  makeSilent(lock);
}
