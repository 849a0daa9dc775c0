import { rmdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseRunRecord, runRecordFile } from '../../../../base/config/runRecord.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { nodeFolder } from '../../../../base/storage/nodeFolder.ts';
import { floatDtypes } from '../../../../content/formats/dtypes.ts';
import { ggufExportTypes } from '../../../../content/formats/gguf/exportTypes.ts';
import { isOfChatPage } from '../../../../content/formats/gguf/chatPage.ts';
import { ollamaCommand } from '../../../../content/formats/gguf/modelfile.ts';
import { serveAddress, serveCommand } from '../../../../content/formats/gguf/serveCommand.ts';
import { writeMlxAdapter } from '../../../../content/formats/mlxAdapter.ts';
import { readJson, writeBytes } from '../../../../content/formats/text.ts';
import { writeGguf } from '../../../../engine/merge/gguf/writeGguf.ts';
import { journalFile } from '../../../../engine/merge/mergeJournal.ts';
import {
  besideForOllama,
  besideInChatPage,
  checkLoraAlone,
  forecastGguf,
  loraExport,
  modelFile,
  planGgufExport,
  type GgufForecast,
} from '../../../../session/ggufExport.ts';
import { planMerge } from '../../../../session/mergeTrained.ts';
import type { Session } from '../../../../session/session.ts';
import { readChatPage } from '../../chatPageFiles.ts';
import { command } from '../command.ts';
import { modelOptions, adapterOption, shardOption } from '../commonOptions.ts';
import { endsOf } from '../dataset.ts';
import { bytesText } from '../downloadReporter.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { choice, optional, required, type Values } from '../options.ts';
import { checkEmpty, withMergeOutput, withOutput } from '../output.ts';
import { withOutputAnew } from '../outputAnew.ts';
import { forceOption, outputFile } from '../outputFile.ts';
import { log, printText } from '../terminal.ts';
import { openModelOf, readAdapterOf, withSession } from '../withSession.ts';
import { writeProved } from '../writeProved.ts';
import { withText } from '../../withText.ts';

const typeChoice = choice(
  'Output',
  ggufExportTypes,
  'How weights are stored, by llama.cpp’s names; by default f32, for a chat page q8_0, in a merged folder each tensor’s own.',
);

const options = {
  ...modelOptions,
  adapter: adapterOption,
  format: {
    ...choice(
      'Output',
      ['gguf', 'gguf-lora', 'ollama', 'chat', 'safetensors', 'mlx'],
      'One GGUF file, the adapter alone as GGUF, a folder for Ollama, a web page that chats with the model by itself, a merged folder, or the adapter for mlx-lm.',
    ),
    required: true,
    defaultText: null,
  },
  type: {
    ...typeChoice,
    defaultText: null,
    read: (given?: string) => (given === undefined ? undefined : typeChoice.read(given, [])),
  },
  out: required('Output', 'PATH', 'A file NAME.gguf, else a new or empty folder.'),
  name: optional('Output', 'NAME', 'What the model is called; by default as the output.'),
  maxShardSize: shardOption,
  force: forceOption,
};

/** Export: the model as other programs take it. */
export const exportModel = command(
  'export',
  'Writes the model, merged with an adapter, as GGUF for llama.cpp, LM Studio and Ollama or as a Hugging Face folder, or the adapter alone as GGUF or for mlx-lm, reads models back, and prints the proof as JSON. What cannot be proved is removed; an export that was cut off continues when the same command runs again.',
  options,
  async (values, usage) => {
    const { model, adapter, format, out } = values;
    checkHubAccess(values, usage, [model]);
    const bad = (detail: string) => new GraftError('cli.bad_option', { detail, usage });
    if ((format === 'gguf-lora' || format === 'mlx') && adapter === undefined)
      throw bad(`--format ${format} requires --adapter.`);
    if (format.startsWith('gguf') && !/\.gguf$/i.test(out))
      throw bad('--out must be a file NAME.gguf for this format.');
    if (format === 'safetensors') await toFolder(values, usage);
    else if (format === 'ollama') await toOllama(values);
    else if (format === 'chat') await toChat(values);
    else if (format === 'gguf') await toFile(values);
    else if (format === 'mlx') await toMlx(values);
    else await toLora(values);
  },
);

type Options = Values<typeof options>;

const titleOf = ({ name, out }: Options): string => name ?? basename(resolve(out)).replace(/\.gguf$/i, '');

/** Plans the export of what the options name, and says beforehand what it will be. */
async function planned(session: Session, values: Options) {
  const { files } = await openModelOf(session, values);
  const opened = await readAdapterOf(session, values.adapter);
  const ends = await endsOf(files.folder);
  const job = await planGgufExport(
    files,
    { adapter: opened?.peft ?? null, trained: null },
    {
      type: values.type ?? (values.format === 'chat' ? 'q8_0' : 'f32'),
      title: titleOf(values),
      ends,
      record: await recordOf(values.adapter),
    },
  );
  const gpu = await session.gpu();
  log(forecastText(await forecastGguf(gpu, job)));
  return { files, ends, gpu, job };
}

async function toFile(values: Options): Promise<void> {
  const { out, model, adapter, force } = values;
  const target = outputFile(out, { force, inputs: { model, adapter } });
  // The file gets its name when it is proved; the same command continues what is there.
  const staging = `${resolve(out)}.unfinished`;
  await withOutput(staging, (folder) =>
    withSession(async (session) => {
      const { gpu, job } = await planned(session, values);
      const { files, proof } = await writeGguf(gpu, job, folder, target.file, reports);
      await target.take(join(staging, target.file));
      print(files, proof);
    }),
  );
  await rmdir(staging).catch(() => undefined);
}

async function toOllama(values: Options): Promise<void> {
  const { out, force } = values;
  await withOutput(out, async (folder) => {
    const present = await folder.list();
    if (force) {
      for (const name of ['Modelfile', modelFile]) {
        if (present.includes(name) && !present.includes(journalFile)) await folder.remove(name);
      }
    }
    if (!present.includes(journalFile)) await checkEmpty(folder, out);
    await withSession(async (session) => {
      const { gpu, job, files, ends } = await planned(session, values);
      const chat = await withText(files.folder, async (text) =>
        text.chatTemplate === null ? null : text.chatParts(),
      );
      const beside = await besideForOllama(files, ends, chat);
      const written = await writeGguf(gpu, job, folder, modelFile, { ...reports, ...beside });
      print(written.files, written.proof);
      log(`In ${out}: ${ollamaCommand(titleOf(values))}`);
    });
  });
}

async function toChat(values: Options): Promise<void> {
  const { out, force, maxShardSize } = values;
  await withOutput(out, async (folder) => {
    const present = await folder.list();
    const isUnfinished = present.includes(journalFile);
    if (force && !isUnfinished) {
      for (const name of present.filter(isOfChatPage)) await folder.remove(name);
    }
    if (!isUnfinished) await checkEmpty(folder, out);
    await withSession(async (session) => {
      const { gpu, job, files } = await planned(session, values);
      const beside = await besideInChatPage(files, titleOf(values), await readChatPage(), maxShardSize);
      const written = await writeGguf(gpu, job, folder, modelFile, { ...reports, ...beside });
      print(written.files, written.proof);
      log(`In ${out}: ${serveCommand}, then open ${serveAddress}`);
    });
  });
}

async function toFolder(values: Options, usage: string): Promise<void> {
  const { out, model, adapter, type } = values;
  const dtype = floatDtypes.find((name) => name.toLowerCase() === type) ?? null;
  if (type !== undefined && dtype === null)
    throw new GraftError('cli.bad_option', {
      detail: '--type must be f32, f16 or bf16 for --format safetensors.',
      usage,
    });
  await withMergeOutput(out, [model, ...(adapter === undefined ? [] : [adapter])], (folder) =>
    withSession(async (session) => {
      const { files } = await openModelOf(session, values);
      const opened = await readAdapterOf(session, adapter);
      const job = await planMerge(
        files,
        { adapter: opened?.peft ?? null, trained: null },
        {
          onto: files.quantization ? 'dequantized' : 'original',
          quantize: null,
          floats: dtype,
          ends: await endsOf(files.folder),
          title: titleOf(values),
          record: await recordOf(adapter),
        },
      );
      const result = await writeProved(await session.gpu(), job, folder, values.maxShardSize);
      printText(JSON.stringify(result, null, 2));
    }),
  );
}

async function toLora(values: Options): Promise<void> {
  const { out, model, adapter, force } = values;
  const target = outputFile(out, { force, inputs: { model, adapter } });
  await withSession(async (session) => {
    const { files } = await openModelOf(session, values);
    const { peft } = (await readAdapterOf(session, adapter))!;
    const { bytes, tensors } = await loraExport(
      files,
      { adapter: peft, trained: null },
      titleOf(values),
      await recordOf(adapter),
    );
    await writeBytes(target.folder, target.file, bytes);
    print([{ name: target.file, size: bytes.byteLength }], { tensors });
  });
}

async function toMlx({ out, ...values }: Options): Promise<void> {
  await withOutputAnew(out, (folder) =>
    withSession(async (session) => {
      const { files } = await openModelOf(session, values);
      const { peft } = (await readAdapterOf(session, values.adapter))!;
      checkLoraAlone(files.spec, peft, 'MLX');
      printText(JSON.stringify({ modules: await writeMlxAdapter(folder, peft) }));
      log(`With mlx-lm: mlx_lm.generate --model ${values.model.replace(/^hf:/, '')} --adapter-path ${out}`);
    }),
  );
}

const reports = {
  onContinue: (bytes: number) => log(`Resuming an unfinished export: ${bytesText(bytes)} are written.`),
};

function print(files: readonly { name: string; size: number }[], proof: object): void {
  const named = files.map(({ name, size }) => ({ name, size }));
  printText(JSON.stringify({ files: named, proof }, null, 2));
}

function forecastText({ bytes, types, fallbacks }: GgufForecast): string {
  const counts = Object.entries(types).map(([type, count]) => `${count} × ${type}`);
  const note =
    fallbacks === 0
      ? ''
      : ` ${fallbacks} of them are in another type than asked for, as in llama.cpp: their rows are no whole number of its blocks.`;
  return `${bytesText(bytes)}: ${counts.join(', ')}.${note}`;
}

/** The record that `train` wrote beside an adapter; null where there is none. */
async function recordOf(adapter: string | undefined) {
  if (adapter === undefined) return null;
  const folder = nodeFolder(adapter);
  return (await folder.list()).includes(runRecordFile)
    ? parseRunRecord(await readJson(folder, runRecordFile))
    : null;
}
