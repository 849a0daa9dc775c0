import { describe, expect, it } from 'vitest';
import { publicModelName, publicName } from './publicName.ts';

describe('published names', () => {
  it.each([
    ['/home/alice/secret/data.jsonl', 'data.jsonl'],
    ['C:\\Users\\alice\\data.csv', 'data.csv'],
    ['../client-x/data.jsonl', 'data.jsonl'],
    ['client-x/data.jsonl', 'data.jsonl'],
    ['file:///home/alice/data.jsonl', 'data.jsonl'],
    ['data.jsonl', 'data.jsonl'],
    ['hf:datasets/org/name@main/train.jsonl', 'hf:datasets/org/name@main/train.jsonl'],
    ['/', '/'],
  ])('of a data file: %s', (name, expected) => expect(publicName(name)).toBe(expected));

  it.each([
    ['/home/alice/models/base', 'base'],
    ['~/models/base', 'base'],
    ['D:\\models\\base', 'base'],
    ['./base', 'base'],
    ['models/clients/base', 'base'],
    ['Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-0.5B'],
    ['gpt2', 'gpt2'],
  ])('of a model: %s', (name, expected) => expect(publicModelName(name)).toBe(expected));
});
