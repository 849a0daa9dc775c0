import { readdirSync, readFileSync } from 'node:fs';
import { parseAst } from 'vite';
import { afterEach, describe, expect, it } from 'vitest';
import { describe as describeError } from '../../../../base/lib/errors.ts';
import { showLanguage } from '../current.ts';
import { errorText } from '../index.ts';
import { detailInChinese } from './detail.ts';
import { detailsZh } from './details.ts';

const src = new URL('../../../../', import.meta.url);

/** Where the page's errors are thrown. Kernels and the GPU only name tensors and buffers, as in the code. */
const places = [
  'base/config',
  'base/lib/sniff.ts',
  'base/storage',
  'content/data',
  'content/formats',
  'content/hub',
  'content/projects',
  'content/runs',
  'engine/merge',
  'engine/model',
  'engine/train',
  'hosts/browser',
];

/** Files whose words are not part of an error: cards, protocols, and names of tensors on the GPU. */
const without =
  /test|\.ref\.|qwenV1|template\/jinja\/(?!budget)|config\/(?!recipe)|template\/template|modelCard|hub\/usage|gguf\/(?:modelfile|chatPage)|gitOid|model\/(?!spec\/(config|layerTypes|ropeConfig|checkCheckpoint)|trained\/adapterFiles)|adamStates|adam\d+bit|optimizer\.ts|train\/prepare|verifyWritten|matrixRows|unicodeTables|rewards\/(frameDocument|workerScript)/;

/** Words in the same folders that are not part of an error either. */
const others = new Set([
  'You are a helpful assistant.',
  'Bearer {}',
  'eval split',
  'changed {}',
  'unpacked {}',
  'chunks of its size',
  'checkpoint readback',
  'proof of a readback',
  'every row',
  'lr range',
  // As lm-evaluation-harness asks.
  'The following are multiple choice questions (with answers) about {}.\n\n',
  'version https://git-lfs.github.com/spec/',
  // Text that WordPiece's decoder cleans up.
  ' do not',
]);

/** Strings of the code that contain English words, with holes as `{}`. */
function phrasesIn(code: string): string[] {
  const found: string[] = [];
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== 'object' || node === null) return;
    const { type, callee, value, quasis } = node as Node;
    if (type === 'ImportDeclaration') return;
    // Internal errors: users never see them.
    if (type === 'CallExpression' && callee?.name === 'assert') return;
    if (type === 'NewExpression' && /^(Type|Range)?Error$/.test(callee?.name ?? '')) return;
    if (type === 'Literal' && typeof value === 'string') found.push(value);
    if (type === 'TemplateLiteral') found.push(quasis!.map((part) => part.value.cooked).join('{}'));
    for (const child of Object.values(node)) walk(child);
  };
  walk(parseAst(code, { lang: 'ts' }).body);
  return found.filter((text) => /[a-z]{2,} [a-z]|[a-z]{3,} \{|\} [a-z]{2,}/.test(text));
}

interface Node {
  type: string;
  callee?: { name?: string };
  value?: unknown;
  quasis?: { value: { cooked: string } }[];
}

function files(): string[] {
  return places
    .flatMap((place) =>
      place.endsWith('.ts')
        ? [place]
        : readdirSync(new URL(place, src), { recursive: true }).map((file) => `${place}/${String(file)}`),
    )
    .filter((file) => file.endsWith('.ts') && !without.test(file));
}

afterEach(() => showLanguage('en'));

describe('words of the engine in errors', () => {
  it('are all there in 简体中文', () => {
    const known = new Set(Object.keys(detailsZh).map((english) => english.replace(/\{\w+\}/g, '{}')));
    const left = files().flatMap((file) =>
      phrasesIn(readFileSync(new URL(file, src), 'utf8'))
        // Names and help of the recipe's settings are translated by key.
        .filter((text) => !(file.startsWith('base/config/recipe') && /^[A-Z]|\.$/.test(text)))
        .filter((text) => !known.has(text) && !others.has(text))
        .map((text) => `${file}: ${text}`),
    );
    expect(left).toEqual([]);
  });

  it('take no parameters but theirs', () => {
    for (const [english, chinese] of Object.entries(detailsZh)) {
      const parameters = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String);
      expect(parameters(english), english).toEqual(expect.arrayContaining(parameters(chinese)));
    }
  });

  it('are put together with what is in them', () => {
    expect(detailInChinese('a whole number from 1 to 512')).toBe('1 到 512 之间的整数');
    expect(detailInChinese('the shard of tensor “a.weight” is not a string')).toBe(
      '张量“a.weight”的分片不是字符串',
    );
    expect(detailInChinese('model.safetensors')).toBe('model.safetensors');
    expect(detailInChinese('constructor')).toBe('constructor');
    expect(detailInChinese('Unexpected token } in JSON')).toBe('Unexpected token } in JSON');
    expect(detailInChinese(describeError('train.no_rows', {}))).toBe(
      '没有可训练的数据。请检查数据集，以及按行列出的问题。',
    );
  });

  it('stand in an error with the spaces that Chinese has', async () => {
    await showLanguage('zh');
    const params = { file: '数据.jsonl', line: 3, field: 'text', found: 'a number', expected: 'text' };
    expect(errorText('data.bad_field', params).what).toBe('数据.jsonl 第 3 行：字段 "text" 是数，应为文本。');
    expect(errorText('data.not_text', { file: 'a.gz', kind: 'gzip-compressed' }).what).toBe(
      'a.gz 是 gzip 压缩文件，不是文本。',
    );
  });
});
