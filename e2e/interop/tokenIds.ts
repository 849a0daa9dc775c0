// Prints the token ids of texts as JSON: tokenIds.ts MODEL TEXTS.json, with a folder or a GGUF file.
import { readFile } from 'node:fs/promises';
import { loadTokenizer } from '../../src/content/data/tokenizer/tokenizer.ts';
import { nodeFolder, nodeSource } from '../../src/base/storage/nodeFolder.ts';
import { ggufFolder } from '../../src/content/formats/gguf/ggufFolder.ts';

const [model = '', file = ''] = process.argv.slice(2);
const folder = model.endsWith('.gguf') ? await ggufFolder(await nodeSource(model)) : nodeFolder(model);
const tokenizer = await loadTokenizer(folder);
if (!tokenizer) throw new Error(`${model} has no tokenizer`);
const texts = JSON.parse(await readFile(file, 'utf8')) as string[];
console.log(JSON.stringify(texts.map((text) => tokenizer.encode(text))));
