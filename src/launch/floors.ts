/** What a folder of src/ is, and what its files may import from other folders. Test files may import anything in src/. */
export interface Floor {
  /** What it holds, for docs/architecture.md. */
  is: string;
  /** Folders it may import; “base” stands for all of base/. */
  imports: readonly string[];
  /** Folders from which it may import types only. */
  types?: readonly string[];
  /** Node's own modules and Dawn: in all its files, or in those of this name. Everything else runs in browsers too. */
  node?: true | string;
  /** Packages that belong to this folder and are refused elsewhere. */
  packages?: readonly string[];
  /** Where its tests are. Names of files are relative to the folder, or to the repository. */
  tests: string;
}

/**
 * The folders of src/ from the ground up. Two folders that need not know each other are not listed for each other, so
 * this is no total order. `npm run floors` writes the linter's rules and the tables of docs/architecture.md from it.
 */
export const floors: Readonly<Record<string, Floor>> = {
  'base/lib': {
    is: 'errors and their texts, floats, random numbers, hashes, queues: small helpers',
    imports: [],
    tests:
      'Beside each file with logic of its own; error texts by `src/studio/ui/text/text.test.ts`, security headers by `src/launch/hosting.test.ts`.',
  },
  'base/algebra': {
    is: 'singular values: the nearest matrix of a rank, exactly and by subspace iteration',
    imports: ['base/lib'],
    packages: ['ml-matrix'],
    tests: '`principalFactors.test.ts`; `lowRank.ts` by `src/content/mix/mixAdapters.test.ts`.',
  },
  'base/config': {
    is: 'the recipe: fields, rules, defaults and help in one list; presets, import and export; the record of a run',
    imports: ['base/lib'],
    tests:
      'Beside each file; `recipe.test.ts` goes through all fields, `src/hosts/node/cli/recipe.test.ts` from the command line.',
  },
  'base/storage': {
    is: 'ByteSource, ByteSink, Folder and Directory: File, folder handle, OPFS, Node, memory; locks; the piece journal',
    imports: ['base/lib'],
    node: 'node*.ts',
    tests:
      '`folders.test.ts` and `directories.test.ts` run every kind through the same tests; OPFS by `opfsSource.browser.test.ts`, locks of chosen folders by `handleLock.browser.test.ts`; `pieceJournal.ts` by `src/content/hub/download.test.ts`.',
  },
  'base/threads': {
    is: 'calls between threads: comlink whose errors keep their class, and clients of workers that may end',
    imports: ['base/lib'],
    packages: ['comlink'],
    tests: '`errorTransfer.test.ts`; clients by `src/hosts/browser/client.test.ts`.',
  },
  'content/formats': {
    is: 'safetensors, index, PEFT, 4-bit checkpoints, zip: bytes in, bytes out',
    imports: ['base/lib', 'base/storage'],
    tests:
      'Beside each file, against files written by safetensors, PEFT, bitsandbytes and other Python libraries; zip by `src/engine/merge/zipBlob.test.ts`.',
  },
  'content/mix': {
    is: 'several LoRA adapters mixed into one, by PEFT’s rules',
    imports: ['base/lib', 'base/algebra', 'content/formats'],
    tests: '`mixAdapters.test.ts`; every rule against PEFT by `e2e/interop/mixes.py`.',
  },
  'content/metrics': {
    is: 'how an answer is measured against the one expected: metrics, intervals, tables as CSV and JSON',
    imports: ['base/lib'],
    tests:
      'A test per metric; against rouge_score, sacrebleu, SQuAD’s rules and lm-evaluation-harness by `e2e/interop/`.',
  },
  'content/data': {
    is: 'data files to micro-batches: parse, detect, render the chat template, tokenize, label, check, pack',
    imports: ['base/lib', 'base/config'],
    types: ['base/storage'],
    packages: ['hyparquet', 'hyparquet-compressors'],
    tests:
      'A test per topic in each folder: `labels/mask.test.ts` for all of labels/, `checks/lint.test.ts` and `checks/rowPreview.test.ts` for checks/ (notes on a chat: `template/thoughts.test.ts`), `tokenizer/cases.test.ts` against the tokenizers library, `template/template.test.ts` against transformers; many more templates and tokenizers by `e2e/interop/`.',
  },
  'content/guard': {
    is: 'a model’s template and tokenizer in a thread of their own, which is ended when they exceed their limits',
    imports: ['base/lib', 'base/threads', 'content/data'],
    tests:
      '`textGuard.test.ts` and `hostile.test.ts`, in threads of Node; from the command line by `src/hosts/node/cli/programs.test.ts`.',
  },
  'content/rewards': {
    is: 'what an answer is rewarded for: compared with a reference, by its form, its length, a function of the user’s',
    imports: ['base', 'content/data', 'content/metrics'],
    tests: '`scoreText.test.ts`; in training by `src/hosts/node/cli/grpo.test.ts`.',
  },
  'content/hub': {
    is: 'a model or dataset of a Hub at a commit: resolve, list, read by range, download, cache; pushes and model cards',
    imports: ['base', 'content/formats'],
    packages: ['@huggingface/hub'],
    tests:
      'Against the server `src/testing/hubServer.ts` with its faults: `download.test.ts`, `push.test.ts`, and `download.browser.test.ts` in Chromium.',
  },
  'content/runs': {
    is: 'runs on disk: checkpoints that survive any crash, curves, one owner; export and import of a whole run',
    imports: ['base', 'content/formats', 'content/data'],
    tests:
      '`runStore.test.ts` and `checkpointStore.test.ts`; `faults.test.ts` fails every call of a save, `fence.test.ts` stops an owner before every call, `e2e/kills.e2e.ts` kills tabs.',
  },
  'content/job': {
    is: 'a run as a folder that a cluster continues: its rows in order as Parquet, and what says they are the same',
    imports: ['base', 'content/formats', 'content/data', 'content/runs'],
    packages: ['hyparquet-writer'],
    tests:
      '`jobRows.test.ts`, and jobs of others in `readJob.test.ts`; its scripts by `src/hosts/node/jobFiles.test.ts`, and whole jobs with Accelerate by `e2e/interop/`.',
  },
  'content/projects': {
    is: 'projects on disk: model, data, recipe and rows’ edits, saved as one works; export and import as one file',
    imports: ['base', 'content/formats', 'content/runs'],
    tests: '`projectStore.test.ts`, `projectFile.test.ts`; in the page by `e2e/projects.e2e.ts`.',
  },
  'content/intake': {
    is: 'whatever is dropped: named by its content; gzip, zstd and zip unpacked within limits',
    imports: ['base', 'content/formats', 'content/data', 'content/job', 'content/runs', 'content/projects'],
    packages: ['fzstd'],
    tests:
      '`sniff.test.ts` over real small files; `unpack/readable.test.ts` and `unpack/zipFiles.test.ts` against gzip, zstd and Python’s zipfile; in the page by `e2e/intake.e2e.ts`, hostile files by `npm run fuzz`.',
  },
  'engine/gpu': {
    is: 'device, memory, kernel cache, WGSL assembler, commands, transfers; a dry device that only counts',
    imports: ['base/lib'],
    tests:
      '`commands.gpu.test.ts` and `uploadRing.gpu.test.ts`; assembler and kernel cache by the tests of all kernels.',
  },
  'engine/kernels': {
    is: 'an operation a file: encodes dispatches of its shader in shaders/',
    imports: ['base/lib', 'content/formats', 'engine/gpu'],
    tests:
      '`rmsNorm.ts` by `rmsNorm.gpu.test.ts` against the f64 loops of `rmsNorm.ref.ts`, and so on, in Node and in Chromium; dequantize and gemv by `weight.gpu.test.ts`, quantize and repack by `src/engine/model/weights/load/quantizedMatrices.dawn.test.ts`.',
  },
  'engine/model': {
    is: 'the decoder described by a spec, a small file a family; what is trained of it; where weights come from',
    imports: ['base/lib', 'base/algebra', 'content/formats', 'engine/gpu', 'engine/kernels'],
    types: ['base/config', 'base/storage', 'content/data'],
    tests:
      'decoder/ by `decoder/decoder.gpu.test.ts` and `decoder/qwen.gpu.test.ts`, its logits and gradients by `src/engine/train/golden.dawn.test.ts`; weights/ by `weights/weights.gpu.test.ts`; trained/ by `trained/adapterFiles.gpu.test.ts`.',
  },
  'engine/train': {
    is: 'training loop, step, optimizer, schedule, evaluation, checkpoints of a run; the memory plan',
    imports: [
      'base',
      'content/data',
      'content/formats',
      'engine/gpu',
      'engine/infer',
      'engine/kernels',
      'engine/model',
    ],
    types: ['content/runs'],
    tests:
      '`golden.dawn.test.ts` follows runs of PyTorch step by step, `goldenVariants.dawn.test.ts` with every kernel; `resume.dawn.test.ts` and `recovery.dawn.test.ts`; plans by `memoryPlan.gpu.test.ts` against real runs.',
  },
  'engine/infer': {
    is: 'generation with a KV cache, one text or many together; sampling, answers as text, likelihoods',
    imports: ['base/lib', 'content/data', 'engine/gpu', 'engine/kernels', 'engine/model'],
    types: ['base/config'],
    tests:
      '`generate.gpu.test.ts`, `batch/generateBatch.gpu.test.ts` and `answer.dawn.test.ts`; whole answers by `src/hosts/node/cli/generate.test.ts`.',
  },
  'engine/merge': {
    is: 'streaming merge, the proof of what it wrote, the zip',
    imports: ['base/lib', 'base/storage', 'content/formats', 'engine/gpu', 'engine/kernels', 'engine/model'],
    types: ['content/data'],
    tests:
      '`mergeModel.gpu.test.ts`, `golden.dawn.test.ts` against PEFT’s merge, `verifyMerge.gpu.test.ts` with merges that went wrong, `resume.gpu.test.ts`; `e2e/kills.e2e.ts` kills tabs.',
  },
  'engine/speed': {
    is: 'what a device does at best, and how near kernels and steps come: for the page and for the bench',
    imports: [
      'base',
      'content/data',
      'content/formats',
      'engine/gpu',
      'engine/infer',
      'engine/kernels',
      'engine/model',
      'engine/train',
    ],
    tests: '`speed.gpu.test.ts` and `timing.test.ts`; in the page by `e2e/benchmark.e2e.ts`.',
  },
  'engine/tuning': {
    is: 'which kernels are best for the products of a run on an adapter: measured and cached',
    imports: ['base/lib', 'content/formats', 'engine/gpu', 'engine/kernels', 'engine/speed', 'engine/train'],
    types: ['base', 'engine/model'],
    tests:
      '`tuneProduct.test.ts`, `tune.gpu.test.ts`, `idleTuner.dawn.test.ts`; that training agrees with every kernel by `src/engine/train/goldenVariants.dawn.test.ts`.',
  },
  session: {
    is: 'the engine for any host: one device, one model, one result; opening, training, resuming, sampling, merging',
    imports: ['base', 'content', 'engine'],
    tests:
      '`sweep/` beside its files and by `src/hosts/node/cli/sweep.test.ts`; the rest through its hosts: `src/hosts/browser/trainingService.dawn.test.ts`, `src/hosts/node/cli/train.test.ts` (also what it writes), `src/hosts/node/cli/merge.test.ts`; as an installed package by `e2e/package.e2e.ts`; docs/api.md by `apiDocs.test.ts`.',
  },
  'hosts/browser': {
    is: 'the workers of the page: their protocols, services and client; the package’s API for pages',
    imports: ['base', 'content', 'engine', 'session'],
    packages: ['comlink'],
    tests:
      '`dataService.test.ts` and its siblings call services without a worker, `client.test.ts` ends workers, `rewards/frames.browser.test.ts` tries to leave the frames of functions; whole workers by `e2e/`.',
  },
  'hosts/node': {
    is: 'the command line, a file a command, on Dawn; the package’s API for Node',
    imports: ['base', 'content', 'engine', 'session'],
    node: true,
    tests: 'cli/ by `cli/*.test.ts`, each command in a process of its own.',
  },
  'studio/store': {
    is: 'the zustand store: state/ says what each slice holds, the files beside it what changes it',
    imports: ['base/lib', 'base/config', 'hosts/browser'],
    types: ['session'],
    packages: ['zustand'],
    tests:
      '`studio.test.ts` over workers in one thread, `runs.dawn.test.ts` with a GPU, and beside each file that computes.',
  },
  'studio/ui': {
    is: 'React views: read the store, call its actions; all texts, in two languages',
    imports: ['base/lib', 'base/config', 'studio/store'],
    types: ['hosts/browser', 'session'],
    packages: ['react', 'react-dom', 'react-aria-components', 'uplot', '@huggingface/hub'],
    tests:
      'Views by the test of `e2e/` that quotes their English texts, such as hub/ by `e2e/hub.e2e.ts`; `text/text.test.ts` finds texts that are unused or outside text/, `text/zh/zh.test.ts` those without a translation.',
  },
  launch: {
    is: 'npm start and npm test, plugins of the build, and this table',
    imports: ['base/lib', 'hosts/node'],
    node: true,
    tests:
      '`floors.test.ts`, `docs.test.ts`, `hosting.test.ts`; the build and its headers by `e2e/build.e2e.ts`.',
  },
  testing: {
    is: 'what tests share; imported by tests, lab/ and e2e/ only',
    imports: ['base', 'content', 'engine', 'session', 'hosts', 'studio', 'launch'],
    node: true,
    packages: ['comlink'],
    tests: '`compare.test.ts`, `gpu.gpu.test.ts`, `e2e/harness.e2e.ts`; the rest by every test that uses it.',
  },
  'lab/bench': {
    is: 'npm run bench: the figures of docs/benchmarks.md',
    imports: ['base', 'content', 'engine', 'session', 'hosts', 'testing', 'launch'],
    node: true,
    tests:
      '`isa/gpuKernels.dawn.test.ts` compiles the kernels of GPUs, `isa/loops.test.ts`; the portable bench by running it; what it measures with is tested as `src/engine/speed/`.',
  },
  'lab/fuzz': {
    is: 'npm run fuzz: mutated inputs for every parser of what strangers may have written (docs/security.md)',
    imports: ['base', 'content', 'engine/merge', 'engine/model', 'testing'],
    node: true,
    tests: '`fuzz.test.ts` runs each target for a moment; millions of inputs by `npm run fuzz`.',
  },
  'lab/kills': {
    is: 'npm run kills: tabs and browsers killed by the hundred, for docs/reliability.md',
    imports: ['testing'],
    node: true,
    tests: 'What it kills is `src/testing/kills/`, which `e2e/kills.e2e.ts` runs with smaller numbers.',
  },
  'lab/soak': {
    is: 'npm run soak: a page that trains for an hour and a half, reloaded now and then, for docs/reliability.md',
    imports: ['engine/speed', 'testing'],
    node: true,
    tests: '`flatness.test.ts`; the page itself by `e2e/`.',
  },
  'lab/starter': {
    is: "npm run starter: the starter model's world, vocabulary and pretraining (docs/starter.md)",
    imports: ['base', 'content', 'engine', 'session', 'hosts', 'testing'],
    node: true,
    tests: '`bpe.test.ts`, `world/corpus.test.ts`, and the shipped model by `starter.dawn.test.ts`.',
  },
};

export const folders: readonly string[] = Object.keys(floors);

/** The folders that names such as “base” or “engine/gpu” stand for. */
export function foldersOf(names: readonly string[]): string[] {
  return folders.filter((folder) => names.some((name) => folder === name || folder.startsWith(`${name}/`)));
}

/** The folders whose values a folder may import, and those from which types only. */
export function mayImport(folder: string): { values: string[]; types: string[] } {
  const { imports, types = [] } = floors[folder]!;
  const values = foldersOf(imports);
  return { values, types: foldersOf(types).filter((other) => !values.includes(other)) };
}
