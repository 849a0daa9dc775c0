import { closeDawn, openDawn } from '../cli/dawn.ts';

/** Ends with status 0 when Dawn can open a device on this machine, which says more than a list of packages. */
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
