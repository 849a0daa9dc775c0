// npm start: installs what is missing, builds the studio, serves it and prints its address.
import { parseArgs } from 'node:util';
import { checkNode, fail, installPackages, root, runInstalled } from './project.mjs';

const FIRST_PORT = 4173;

checkNode();
const { host, port } = readOptions();
await installPackages();
if ((await runInstalled('vite/bin/vite.js', ['build'])) !== 0)
  fail('The build failed; its messages are above.');

const { preview } = await import('vite');
const server = await preview({ root, preview: { host, port, strictPort: false } });
const { local, network } = server.resolvedUrls ?? { local: [], network: [] };
console.log(`\nGraft is ready: ${[...local, ...network].join('  ')}\nPress Ctrl+C to stop.`);

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { host: { type: 'string' }, port: { type: 'string', default: String(FIRST_PORT) } },
    });
    const number = Number(values.port);
    if (!Number.isInteger(number) || number < 1 || number > 65_535)
      throw new Error(`"${values.port}" is no port`);
    return { host: values.host, port: number };
  } catch (error) {
    return fail(`${error.message}. Usage: npm start -- [--host ADDRESS] [--port NUMBER]`);
  }
}
