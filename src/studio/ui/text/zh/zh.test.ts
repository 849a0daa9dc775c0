import { describe, expect, it } from 'vitest';
import { recipeFields } from '../../../../base/config/recipe.ts';
import { errorTexts } from '../../../../base/lib/errorTexts/index.ts';
import { en } from '../en/index.ts';
import type { Phrase } from '../phrase.ts';
import { zh } from './index.ts';

/** Every text by name: `[English forms, Chinese forms]`. */
const pairs: [string, string[], string[]][] = [
  ...Object.entries(en).map((entry): [string, string[], string[]] => [
    entry[0],
    forms(entry[1]),
    forms((zh.phrases as Record<string, Phrase>)[entry[0]]),
  ]),
  ...Object.entries(errorTexts).flatMap(([code, english]): [string, string[], string[]][] => {
    const chinese = (zh.errors as Record<string, typeof english>)[code];
    return [
      [`${code}.what`, [english.what], forms(chinese?.what)],
      [`${code}.next`, [english.next], forms(chinese?.next)],
    ];
  }),
  ...Object.entries(recipeFields).flatMap(([key, english]): [string, string[], string[]][] => {
    const chinese = (zh.fields as Record<string, { label: string; help: string }>)[key];
    return [
      [`${key}.label`, [english.label], forms(chinese?.label)],
      [`${key}.help`, [english.help], forms(chinese?.help)],
    ];
  }),
];

/** Latin words that Chinese texts may contain: terms, names, units, and file content. */
const terms = new Set(
  (
    'graft lora qlora rslora dora olora pissa neftune peft gguf token logits kernel dispatch dropout packing adam adamw alpha chatml qwen llama ' +
    'hub hugging face huggingface huggingface.co webgpu gpu cpu vulkan firefox chrome chromium edge safari ' +
    'javascript json jsonl parquet csv http https localhost apache bitsandbytes gptq awq transformers normalfloat q-lora ' +
    'zip pytorch kib kernels top-k top-p unsafe support nf4 nt nn tn english your-name sharegpt prompt completion messages alpaca ' +
    'safetensors pickle git lfs pull config worker nan mib chrf rouge-l trl sft dpo orpo simpo cpo kto ipo slic beta ' +
    'grpo bnpo dapo dr_grpo top ' +
    // Literal input, keys, and file content.
    'about true enter escape ctrl python all auto train merge debian ubuntu mesa-vulkan-drivers system user human assistant gpt ' +
    'vllm ollama wllama webassembly studio modelfile name tag list llama-gguf-split sentencepiece ' +
    'ctrl esc tool conversations dtype shader-f timestamp-query all-linear'
  ).split(' '),
);

const oddities = [
  // Traditional forms of characters that these texts use.
  /[數據訓練學習調權層損記憶檔選擇時間開關從這個無為與請設錯誤網載]/,
  // Half-width punctuation after Chinese.
  /[一-鿿][,;:!?]/,
  /[一-鿿]\.(\s|$)/,
  // No space between Chinese and Latin letters, digits or a parameter.
  /[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]/,
];

function forms(phrase: Phrase | undefined): string[] {
  return phrase === undefined ? [] : typeof phrase === 'string' ? [phrase] : Object.values(phrase);
}

function parameters(texts: string[]): string[] {
  return [
    ...new Set(texts.flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!))),
  ].sort();
}

/** English words in a Chinese text, without parameters, names of files, fields and options, and terms. */
function englishWords(text: string): string[] {
  const plain = text
    .replace(/\{\w+\}/g, ' ')
    .replace(/"[^"]*"|“[\x20-\x7e]+”|（[\x20-\x7e]+）|\{[^}]*\}|https?:\S+|[\w-]*[_./\\@]\S*|--\w+/g, ' ');
  return [...plain.matchAll(/[A-Za-z][A-Za-z-]{2,}/g)]
    .map(([word]) => word)
    .filter((word) => !terms.has(word.toLowerCase()) && word !== word.toUpperCase());
}

describe('简体中文', () => {
  it('has the same keys', () => {
    expect(Object.keys(zh.phrases).sort()).toEqual(Object.keys(en).sort());
    expect(Object.keys(zh.errors).sort()).toEqual(Object.keys(errorTexts).sort());
    expect(Object.keys(zh.fields).sort()).toEqual(Object.keys(recipeFields).sort());
  });

  it('has the same parameters', () => {
    const other = pairs.filter(
      ([, english, chinese]) => `${parameters(english)}` !== `${parameters(chinese)}`,
    );
    expect(other.map(([name]) => name)).toEqual([]);
  });

  it('has the plural forms of its language', () => {
    expect(new Intl.PluralRules('zh-CN').resolvedOptions().pluralCategories).toEqual(['other']);
    expect(pairs.filter(([, , chinese]) => chinese.length !== 1).map(([name]) => name)).toEqual([]);
  });

  it('contains no untranslated English', () => {
    const left = pairs
      .filter(([, , [chinese = '']]) => englishWords(chinese).length > 0)
      .map(([name, , [chinese = '']]) => `${name}: ${englishWords(chinese).join(' ')}`);
    expect(left).toEqual([]);
    const same = pairs.filter(
      ([, [english], [chinese]]) => english === chinese && englishWords(english ?? '').length > 0,
    );
    expect(same.map(([name]) => name)).toEqual([]);
  });

  it('is simplified, and follows Chinese typography', () => {
    const wrong = pairs.filter(([, , chinese]) =>
      chinese.some((text) => oddities.some((odd) => odd.test(text))),
    );
    expect(wrong.map(([name, , chinese]) => `${name}: ${chinese.join(' ')}`)).toEqual([]);
  });
});
