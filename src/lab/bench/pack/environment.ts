import { existsSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

/** NVIDIA's driver says here what it is. */
const NVIDIA = '/proc/driver/nvidia/version';

/** Node, the system, its processor and driver. */
export function environmentText(): string {
  const processors = cpus();
  const driver = existsSync(NVIDIA) ? readFileSync(NVIDIA, 'utf8').split('\n')[0] : null;
  return [
    `Node ${process.version}`,
    `Linux ${release()}`,
    `${processors.length} × ${processors[0]?.model ?? 'processor'}`,
    ...(driver ? [driver.replace(/\s+/g, ' ')] : []),
  ].join(' · ');
}
