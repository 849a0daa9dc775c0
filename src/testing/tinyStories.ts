import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFolder } from '../base/storage/nodeFolder.ts';
import { writeAdapter } from '../content/formats/peft.ts';
import { openModelHeaders } from '../engine/model/spec/openModel.ts';
import { randomPeft } from './mergeAdapter.ts';
import { llama2Files } from './tokenizers.ts';
import { tinyModel } from './tinyModel.ts';

/** config.json of a Llama of 260,032 parameters with one matrix for embedding and head, as stories260k's. */
const config = {
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 8,
  vocab_size: 512,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
};

/**
 * Writes the folder `tiny-stories` in `parent`: a small Llama in F32 with random weights, the same ones every time, and
 * a tokenizer. Returns its path.
 */
export function writeTinyStories(parent: string): string {
  const path = join(parent, 'tiny-stories');
  mkdirSync(path, { recursive: true });
  const { files } = tinyModel({
    config,
    files: llama2Files(),
    // In the order in which Python's safetensors writes them.
    edit: (tensors) => tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  });
  for (const [name, content] of files) writeFileSync(join(path, name), content);
  return path;
}

/** Writes a random adapter for the model at `model`, of rank 8 on all of its linear layers, as the folder `path`. */
export async function writeRandomAdapter(model: string, path: string): Promise<void> {
  const files = await openModelHeaders(nodeFolder(model));
  await writeAdapter(nodeFolder(path), randomPeft(files, { rank: 8, alpha: 16, targets: 'all-linear' }));
}
