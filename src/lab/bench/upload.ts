import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openWorkerPage } from '../../testing/browsers/workerPage.ts';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { nodeSource } from '../../base/storage/nodeFolder.ts';
import { table } from '../../testing/markdownTable.ts';
import { measureUploads, UPLOAD_BYTES } from './uploadPaths.ts';

interface Measured {
  adapter: string;
  seconds: Record<string, number>;
}

/** The paths from a file to the GPU, in Node and in Chromium, compared with the upload ring. */
export async function uploadBench(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  try {
    const node = await inNode(join(folder, 'weights'));
    const browser = await inChromium();
    const names = Object.keys(browser.seconds);
    const ratio = ({ seconds }: Measured, name: string) => {
      const own = seconds[name];
      return own === undefined ? '–' : (Object.values(seconds)[0]! / own).toFixed(2);
    };
    return [
      '## From disk to the GPU',
      '',
      `Bytes per second of each method relative to the ring of mapped staging buffers, ${UPLOAD_BYTES / 2 ** 20} MiB of a file in the`,
      'page cache. Methods without a ring read 16 MiB at once. One buffer cannot be read into while it is copied from;',
      'on adapters that copy with the processor that reads, this costs nothing.',
      `Node: a file read with fs, Dawn on ${node.adapter}.`,
      `Chromium: a dedicated worker, a file of OPFS read through a sync access handle, WebGPU on ${browser.adapter}.`,
      '',
      table(
        ['way', 'Node', 'Chromium'],
        names.map((name) => [name, ratio(node, name), ratio(browser, name)]),
      ),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inNode(path: string): Promise<Measured> {
  const file = openSync(path, 'w');
  const bytes = randomBytes(1 << 24);
  for (let at = 0; at < UPLOAD_BYTES; at += bytes.length) writeSync(file, bytes);
  closeSync(file);
  const measured: Measured = { adapter: '', seconds: {} };
  await withGpu(async (gpu) => {
    measured.adapter = gpu.description;
    measured.seconds = await measureUploads(gpu, await nodeSource(path), null);
  });
  return measured;
}

async function inChromium(): Promise<Measured> {
  const page = await openWorkerPage(fileURLToPath(new URL('./uploadWorker.ts', import.meta.url)));
  try {
    const answer = await page.ask<Measured | { error: string }>(null);
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  } finally {
    await page.close();
  }
}
