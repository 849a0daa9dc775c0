import { closeDawn, openDawn } from '../hosts/node/dawn.ts';

/** Exits with status 0 if Dawn can open a device on this machine, which is more reliable than a list of packages. */
async function probe(): Promise<void> {
  const adapter = await openDawn().requestAdapter();
  const device = await adapter?.requestDevice();
  if (adapter && device)
    console.log([adapter.info.description, adapter.info.vendor].filter(Boolean).join(' · '));
  else process.exitCode = 1;
  device?.destroy();
  closeDawn();
}

await probe();
