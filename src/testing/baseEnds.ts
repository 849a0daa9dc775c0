import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { starter } from './fixtures.ts';
import { readGolden } from './golden.ts';

/** A question, and the starter's whole answer. */
export const { prompt: question, text: reply } = readGolden('starter-lora').answer!;

/**
 * Writes the starter with the end tokens of a base model such as Qwen2.5's: EOS is `<|endoftext|>` everywhere, and the
 * template ends turns with `<|im_end|>`.
 * @returns the ids of both
 */
export function writeBaseEnds(folder: string): { eos: number; end: number } {
  cpSync(starter, folder, { recursive: true });
  const json = (file: string) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
  const added = json('tokenizer.json').added_tokens as { id: number; content: string }[];
  const idOf = (token: string) => added.find(({ content }) => content === token)!.id;
  const [eos, end] = [idOf('<|endoftext|>'), idOf('<|im_end|>')];
  const change = (file: string, changes: object) =>
    writeFileSync(join(folder, file), JSON.stringify({ ...json(file), ...changes }));
  change('tokenizer_config.json', { eos_token: '<|endoftext|>' });
  for (const file of ['config.json', 'generation_config.json']) change(file, { eos_token_id: eos });
  return { eos, end };
}
