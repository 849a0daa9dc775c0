import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { encodedAs, pythonEncoded } from '../../testing/encodings.ts';
import { memorySource } from '../../testing/sources.ts';
import type { IntakeItem } from './items.ts';
import { sniffFiles } from './sniff.ts';

const scratch = scratchFolder();
const bytesOf = (text: string) => new TextEncoder().encode(text);
const latin = (text: string) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));

type Files = Record<string, string | Uint8Array>;

/** Files as they are dropped: paths and contents. */
const sniff = (files: Files) =>
  sniffFiles(
    Object.entries(files).map(([path, content]) => ({
      path,
      source: memorySource(path.split('/').at(-1)!, content),
    })),
  );
const itemsOf = async (files: Files) => (await sniff(files)).items;
/** An item in a line. */
const brief = (item: IntakeItem): string => {
  if (item.kind === 'refused') return `refused ${item.code} ${JSON.stringify(item.params)}`;
  if (item.kind !== 'data') return `${item.kind} ${item.name}: ${item.paths.join(' ')}`;
  return `data ${item.files.map(({ name, role }) => (role ? `${name} (${role})` : name)).join(' ')}`;
};
const briefly = async (files: Files) => (await itemsOf(files)).map(brief);

/** A zip as Python packs it. */
function zipped(files: Files): Uint8Array {
  const path = join(scratch, 'packed.zip');
  const named = Object.entries(files).map(([name, content]) => [
    name,
    Buffer.from(content).toString('base64'),
  ]);
  const script = `
import base64, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    for name, content in json.load(sys.stdin): z.writestr(name, base64.b64decode(content))
`;
  execFileSync('python3', ['-c', script, path], { input: JSON.stringify(named) });
  return new Uint8Array(readFileSync(path));
}

/** The beginning of a GGUF file. */
const ggufHeader = latin('GGUF\x03\0\0\0' + '\0'.repeat(16));

const pickle = (expression: string): Uint8Array =>
  new Uint8Array(
    execFileSync('python3', [
      '-c',
      `import pickle, sys; sys.stdout.buffer.write(pickle.dumps(${expression}))`,
    ]),
  );

const config = '{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}';
const safetensors = latin('\x08\0\0\0\0\0\0\0{"a":{} }');
const rows = '{"prompt":"Hi","completion":"Ahoy"}\n{"prompt":"Bye","completion":"Farewell"}\n';
const csv = 'prompt,completion\nHi,Ahoy\n';
const model = { 'config.json': config, 'model.safetensors': safetensors, 'tokenizer.json': '{}' };
const adapter = { 'adapter_config.json': '{"peft_type":"LORA"}', 'adapter_model.safetensors': safetensors };
const inside = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));

describe('folders', () => {
  it('of models are found by their configuration: alone, one level down, and several', async () => {
    const own = 'config.json model.safetensors tokenizer.json';
    expect(await briefly(model)).toEqual([`model model: ${own}`]);
    const named = (folder: string) =>
      `model ${folder.split('/').at(-1)}: ${own
        .split(' ')
        .map((name) => `${folder}/${name}`)
        .join(' ')}`;
    expect(await briefly(inside('qwen', model))).toEqual([named('qwen')]);
    expect(await briefly(inside('models/qwen', model))).toEqual([named('models/qwen')]);
    expect(await briefly({ ...inside('m/a', model), ...inside('m/b', model) })).toEqual([
      named('m/a'),
      named('m/b'),
    ]);
  });

  it('of adapters are found, also beside optimizer states and in a model’s folder', async () => {
    expect(await briefly(inside('out', { ...adapter, 'optimizer.pt': 'x' }))).toEqual([
      'adapter out: out/adapter_config.json out/adapter_model.safetensors out/optimizer.pt',
    ]);
    expect(await briefly({ ...inside('a', adapter), ...inside('b', model) })).toHaveLength(2);
  });

  it('of a model with data in them are both, and hidden files are neither', async () => {
    const found = await briefly(inside('qwen', { ...model, 'train.jsonl': rows }));
    expect(found.map((item) => item.split(':')[0])).toEqual(['model qwen', 'data train.jsonl (train)']);
  });

  it('are no models for a config.json of another program', async () => {
    expect(await briefly({ 'd/config.json': '{"theme":"dark"}', 'd/rows.jsonl': rows })).toEqual([
      'data config.json rows.jsonl',
    ]);
  });

  it('of jobs for a cluster are one item with the adapters and the data in them, in a zip as well', async () => {
    const job = {
      'job.json': '{"format": 1}',
      'schedule.json': '{"steps": []}',
      'rows/00000.parquet': 'PAR1',
      ...inside('adapter', adapter),
      ...inside('result/adapter', adapter),
    };
    const paths = (folder: string) =>
      Object.keys(job)
        .map((path) => folder + path)
        .join(' ');
    expect(await briefly(inside('run-job', job))).toEqual([`job run-job: ${paths('run-job/')}`]);
    expect(await briefly({ 'run-job.zip': zipped(job) })).toEqual([`job run-job: ${paths('')}`]);
    expect(await briefly({ ...inside('run-job', job), 'more.jsonl': rows })).toEqual([
      `job run-job: ${paths('run-job/')}`,
      'data more.jsonl',
    ]);
  });

  it('with weights as pickles only are refused, and so are weights alone', async () => {
    const pickled = { 'm/config.json': config, 'm/pytorch_model.bin': pickle('{"a": 1}') };
    expect(await briefly(pickled)).toEqual(['refused intake.pickle {"file":"m/pytorch_model.bin"}']);
    expect(await briefly({ 'model.safetensors': safetensors })).toEqual([
      'refused intake.weights_alone {"file":"model.safetensors"}',
    ]);
  });
});

describe('single files', () => {
  it.each<[string, string | Uint8Array]>([
    ['rows.jsonl', rows],
    ['rows.bin', rows],
    ['picture.png', rows],
    ['data.json', `[${rows.trim().replace('\n', ',')}]`],
    ['data.csv', csv],
    ['data.tsv', csv.replaceAll(',', '\t')],
    ['story.txt', 'Once upon a time.\n'],
    ['table.parquet', latin('PAR1\0\0\0\0PAR1')],
    ['rows.jsonl.gz', gzipSync(rows)],
    ['rows', gzipSync(rows)],
    ['gb.csv', pythonEncoded('问题,回答\n你好,你好，很高兴认识你。\n', 'gb18030')],
    ['wide.jsonl', encodedAs(`\ufeff${rows}`, 'utf-16le')],
    ['GGUF.txt', 'GGUF is a file format.\n'],
    ['pickle.json', '{"reduce": "pickle", "text": "x"}'],
  ])('%s is data', async (name, content) => {
    expect((await briefly({ [name]: content })).map((line) => line.split(' ')[0])).toEqual(['data']);
  });

  it.each<[string, string | Uint8Array, string, object]>([
    ['photo.jsonl', latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), 'intake.media', { kind: 'an image' }],
    ['paper.txt', '%PDF-1.7\n%âãÏÓ\n1 0 obj', 'intake.document', { kind: 'a PDF document' }],
    ['model.jsonl', pickle('{"a": [1, 2]}'), 'intake.pickle', {}],
    [
      'data.csv',
      latin('SQLite format 3\0\x10\0\x01\x01\0@  '),
      'intake.table',
      { kind: 'an SQLite database' },
    ],
    ['a.jsonl', latin("7z\xbc\xaf'\x1c\0\x04"), 'intake.archive', { kind: 'a 7z archive' }],
    ['a.jsonl', latin('\xfd7zXZ\0\0\x04'), 'intake.archive', { kind: 'xz-compressed' }],
    ['run.jsonl', latin('\x7fELF\x02\x01\x01\0\0\0'), 'intake.other', { kind: 'an executable' }],
    ['old.doc', latin('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0'), 'intake.document', {}],
    ['empty.jsonl', '', 'data.empty_file', {}],
    ['photo.gz', gzipSync(latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR')), 'intake.media', { kind: 'an image' }],
    ['cut.jsonl.gz', gzipSync(rows).subarray(0, 30), 'data.unpack_failed', {}],
  ])('%s is refused by what it is', async (name, content, code, params) => {
    const [item, ...others] = await itemsOf({ [name]: content });
    expect(others).toEqual([]);
    expect(item).toMatchObject({ kind: 'refused', code, params: { file: name, ...params } });
  });

  it('that are GGUF are models, whatever their names', async () => {
    for (const [name, title] of [
      ['Qwen.GGUF', 'Qwen'],
      ['model.jsonl', 'model.jsonl'],
      ['sha256-0a', 'sha256-0a'],
    ] as const) {
      expect(await itemsOf({ [name]: ggufHeader })).toMatchObject([
        { kind: 'model', name: title, paths: [name], zip: null },
      ]);
    }
  });

  it('that begin like a GGUF and are named so are models, cut off as they are', async () => {
    for (const bytes of [latin('GGUF'), latin('GGUFrows')])
      expect((await itemsOf({ 'cut.gguf': bytes }))[0]?.kind).toBe('model');
    expect((await itemsOf({ 'notes.txt': latin('GGUF is a format of weights.') }))[0]?.kind).toBe('data');
  });

  it('that are recipes are told from data, and so are scripts that call a training', async () => {
    const recipe = JSON.stringify(defaultRecipe());
    const script = 'torchrun finetune.py \\\n  --model_name_or_path x --learning_rate 3e-4\n';
    expect((await itemsOf({ 'recipe.json': recipe }))[0]?.kind).toBe('recipe');
    expect((await itemsOf({ 'notes.txt': recipe }))[0]?.kind).toBe('recipe');
    expect((await itemsOf({ 'run.sh': script }))[0]?.kind).toBe('flags');
    expect(
      (await itemsOf({ 'row.json': '{"prompt":"What is --lr in finetune.py?","completion":"x"}' }))[0]?.kind,
    ).toBe('data');
  });
});

describe('zips', () => {
  it('of a model, an adapter or data are what is in them', async () => {
    const found = await itemsOf({ 'qwen.zip': zipped(inside('qwen', model)) });
    expect(found).toEqual([
      {
        kind: 'model',
        name: 'qwen',
        folder: 'qwen',
        paths: ['qwen/config.json', 'qwen/model.safetensors', 'qwen/tokenizer.json'],
        zip: 'qwen.zip',
      },
    ]);
    expect((await briefly({ 'flat.zip': zipped(model) }))[0]).toMatch(/^model flat:/);
    expect((await briefly({ 'a.jsonl': zipped(inside('out', adapter)) }))[0]).toMatch(/^adapter out:/);
    const parts = zipped({ 'data/train.jsonl': rows, 'data/valid.csv': csv, 'README.md': '# Data' });
    expect(await sniff({ 'kaggle.zip': parts })).toMatchObject({
      items: [{ kind: 'data', files: [{ name: 'train.jsonl', zip: 'kaggle.zip' }, { role: 'validation' }] }],
      unused: ['README.md'],
    });
  });

  it('that Graft exports are told by their headers', async () => {
    expect(await briefly({ 'a.zip': zipped({ 'run/graft-run.json': '{}', 'run/curves.bin': 'x' }) })).toEqual(
      ['run a.zip: a.zip'],
    );
    expect(await briefly({ 'b.zip': zipped({ 'p/graft-project.json': '{}' }) })).toEqual([
      'project b.zip: b.zip',
    ]);
  });

  it('that are documents, checkpoints, empty or broken are refused', async () => {
    const codes = async (files: Files) =>
      (await itemsOf(files)).map((item) => item.kind === 'refused' && item.code);
    expect(
      await codes({ 'a.csv': zipped({ '[Content_Types].xml': '<x/>', 'xl/workbook.xml': '<x/>' }) }),
    ).toEqual(['intake.spreadsheet']);
    expect(
      await codes({ 'a.txt': zipped({ '[Content_Types].xml': '<x/>', 'word/document.xml': '<x/>' }) }),
    ).toEqual(['intake.document']);
    expect(await codes({ 'model.pt': zipped({ 'archive/data.pkl': pickle('1') }) })).toEqual([
      'intake.pickle',
    ]);
    expect(await codes({ 'none.zip': zipped({}) })).toEqual(['intake.zip_empty']);
    expect(await codes({ 'outer.zip': zipped({ 'inner.zip': zipped(model) }) })).toEqual([
      'intake.zip_in_zip',
    ]);
    expect(await codes({ 'cut.zip': zipped(model).subarray(0, 200) })).toEqual(['data.zip_broken']);
    expect(await codes({ 'evil.zip': zipped({ '../rows.jsonl': rows }) })).toEqual(['data.zip_path']);
  });
});

describe('several files', () => {
  it('of data are one item in the order people count, with their parts by name', async () => {
    expect(await briefly({ 'part-10.jsonl': rows, 'part-9.jsonl': rows })).toEqual([
      'data part-9.jsonl part-10.jsonl',
    ]);
    const split = {
      'test.jsonl': rows,
      'train.jsonl.gz': gzipSync(rows),
      'my-valid-00000-of-00001.jsonl': rows,
    };
    expect(await briefly(split)).toEqual([
      'data my-valid-00000-of-00001.jsonl (validation) test.jsonl (test) train.jsonl.gz (train)',
    ]);
  });

  it('leave nothing out without a word', async () => {
    expect(await sniff({ 'd/README.md': '# x', 'd/a.jsonl': rows, 'd/plot.png': 'x' })).toMatchObject({
      items: [{ kind: 'data', files: [{ name: 'a.jsonl' }] }],
      unused: ['d/README.md', 'd/plot.png'],
    });
    expect(await briefly({ 'README.md': 'Once upon a time.\n' })).toEqual(['data README.md']);
    const mixed = {
      ...inside('qwen', model),
      'rows.jsonl': rows,
      'x.gguf': ggufHeader,
      'recipe.json': JSON.stringify(defaultRecipe()),
    };
    expect((await itemsOf(mixed)).map(({ kind }) => kind).sort()).toEqual([
      'data',
      'model',
      'model',
      'recipe',
    ]);
  });
});

it('says the same wherever a file is: its folder and its name do not decide', async () => {
  const one = await itemsOf({ 'a.jsonl': bytesOf(rows) });
  const two = await itemsOf({ 'deep/er/model.gguf': bytesOf(rows) });
  expect([one[0]?.kind, two[0]?.kind]).toEqual(['data', 'data']);
});
