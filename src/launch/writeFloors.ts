/** npm run floors: writes the linter's rules and the tables of docs/architecture.md from floors.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';
import { rulesFile } from './floorRules.ts';
import { withFloorTables } from './floorTables.ts';

const document = fileURLToPath(new URL('../../docs/architecture.md', import.meta.url));
const options = await prettier.resolveConfig(document);
const text = withFloorTables(readFileSync(document, 'utf8'));
writeFileSync(document, await prettier.format(text, { ...options, parser: 'markdown' }));
writeFileSync(new URL('floors.json', import.meta.url), rulesFile());
