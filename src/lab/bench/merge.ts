import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { browsers } from '../../testing/browsers/browsers.ts';
import { openWorkerPage, type WorkerPage } from '../../testing/browsers/workerPage.ts';
import { parseConfig } from '../../engine/model/spec/config.ts';
import { loraScale, planLora, type LoraShape } from '../../engine/model/trained/loraModules.ts';
import { tensorsOf } from '../../engine/model/spec/spec.ts';
import { ALPHA, RANK, STEP, TABLE } from './mergeModelFiles.ts';
import type { MergeReport, MergeTask } from './mergeWorker.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';

/** Qwen2.5-1.5B's shape: 3.09 GB. GRAFT_BENCH_LAYERS makes it smaller, to test the benchmark itself. */
const config = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_size: 1536,
  intermediate_size: 8960,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  vocab_size: 151936,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  tie_word_embeddings: true,
};
const layers = Number(process.env.GRAFT_BENCH_LAYERS ?? 0);
if (layers > 0) Object.assign(config, { num_hidden_layers: layers, vocab_size: 8192 });

const adapters: [name: string, targets: LoraShape['targets']][] = [
  ['q and v', ['q_proj', 'v_proj']],
  ['all linear layers', 'all-linear'],
];

/** Merges from OPFS to OPFS in both browsers, compared with plain copies and with the same merges in numpy. */
export async function mergeBench(): Promise<string> {
  const expected = await Promise.all(adapters.map(([, targets]) => referenceHash(targets)));
  const rows: string[][] = [];
  const notes: string[] = [];
  let bytes = 0;
  for (const [browser] of browsers) {
    const worker = fileURLToPath(new URL('./mergeWorker.ts', import.meta.url));
    const page = await openWorkerPage(worker, browser);
    const ask = (kind: MergeTask['kind'], targets: LoraShape['targets'] = []) =>
      asked(page, { kind, config, targets });
    try {
      await ask('make');
      let before = await ask('copy');
      bytes = before.bytes;
      for (const [i, [name, targets]] of adapters.entries()) {
        const memory = watchMemory();
        const merged = await ask('merge', targets);
        const script = memory.stop();
        const after = await ask('copy');
        const ratio = ((before.seconds + after.seconds) / 2 / merged.seconds).toFixed(2);
        const same = merged.sha256 === expected[i] ? 'equal' : 'DIFFERENT';
        const peaks = [merged.gpuPeak, script, merged.gpuPeak + script].map(megabytes);
        rows.push([browser, name, ratio, ...peaks, same]);
        console.error(JSON.stringify({ browser, name, merged, before, after, script, same }));
        if (i === 0) notes.push(`${browser} on ${merged.adapter || 'an adapter it does not name'}`);
        before = after;
      }
    } finally {
      await ask('clean').catch(() => undefined);
      await page.close();
    }
  }
  const header = [
    'browser',
    'adapter on',
    'merge / copy',
    'GPU buffers',
    'JavaScript',
    'together',
    'SHA-256',
  ];
  return [
    '## Merging a model of 3 GB',
    '',
    `Random BF16 weights of Qwen2.5-1.5B’s shape (${megabytes(bytes)}), rank ${RANK}, from OPFS to OPFS:`,
    `${notes.join('; ')}.`,
    'Bytes per second relative to a plain copy of the file before and after it (sync access handles, 16 MiB at once, flushed);',
    'peak memory (JavaScript: the growth of the page’s process, garbage included); the hash of the weights compared',
    'with that of a merge in numpy. Both adapters compute on the processor that also copies, whose cores',
    `(${cpus().length}) had a load of ${loadavg()[1]!.toFixed(0)} in all.`,
    '',
    table(header, rows),
  ].join('\n');
}

/** The environment of the interop checks has numpy. */
interface Interop {
  preparePython(): Promise<{ python?: string; missing?: string }>;
}

async function asked(page: WorkerPage, task: MergeTask): Promise<MergeReport> {
  const answer = await page.ask<MergeReport | { error: string }>(task);
  if ('error' in answer) throw new Error(answer.error);
  return answer;
}

async function referenceHash(targets: LoraShape['targets']): Promise<string> {
  const interop = new URL('../../../e2e/interop/python.mjs', import.meta.url).href;
  const { preparePython } = (await import(interop)) as Interop;
  const { python, missing } = await preparePython();
  if (python === undefined) throw new Error(missing);
  const spec = parseConfig(config);
  const scale = loraScale(RANK, ALPHA, false);
  const shape: LoraShape = { rank: RANK, alpha: ALPHA, rslora: false, targets, layers: 'all' };
  const modules = planLora(spec, shape).map(({ path }) => `${path}.weight`);
  const tensors = [...tensorsOf(spec)].map(({ name, shape: [rows = 1, cols = 1] }) => {
    const module = modules.indexOf(name);
    return [name, rows, cols, module < 0 ? null : module];
  });
  const script = fileURLToPath(new URL('./merge_reference.py', import.meta.url));
  const input = JSON.stringify({ table: TABLE, step: STEP, rank: RANK, scale, tensors });
  return execFileSync(python, [script], { input, encoding: 'utf8' }).trim();
}

/** Tracks the growth of page processes' private memory; `stop` returns the peak in bytes. */
function watchMemory(): { stop(): number } {
  const before = new Map(renderers().map((pid) => [pid, ownMemory(pid)]));
  let most = 0;
  const timer = setInterval(() => {
    for (const [pid, start] of before) most = Math.max(most, ownMemory(pid) - start);
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

/** Command lines of Chromium's and Firefox's page processes. */
const PAGE = /--type=renderer|-contentproc .* tab *$/;

/** Page processes of the browsers started by this process. */
function renderers(): number[] {
  const parents = new Map<number, number>();
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!pid) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      if (PAGE.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' '))) found.push(pid);
    } catch {
      // It has exited meanwhile.
    }
  }
  const isOurs = (pid: number): boolean => pid === process.pid || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  return found.filter(isOurs);
}

function ownMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0);
}
