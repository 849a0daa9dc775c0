// Prints the token ids of texts as JSON: tokenIds.ts MODEL_FOLDER TEXTS.json
import { readFile } from 'node:fs/promises';
import { loadTokenizer } from '../../src/data/tokenizer.ts';
import { nodeFolder } from '../../src/storage/nodeFolder.ts';

const [model = '', file = ''] = process.argv.slice(2);
const tokenizer = await loadTokenizer(nodeFolder(model));
if (!tokenizer) throw new Error(`${model} has no tokenizer`);
const texts = JSON.parse(await readFile(file, 'utf8')) as string[];
console.log(JSON.stringify(texts.map((text) => tokenizer.encode(text))));
