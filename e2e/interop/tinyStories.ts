// Writes a small Llama with random weights and a tokenizer into a folder, and prints its path: tinyStories.ts FOLDER
import { writeTinyStories } from '../../src/testing/tinyStories.ts';

console.log(writeTinyStories(process.argv[2] ?? '.'));
