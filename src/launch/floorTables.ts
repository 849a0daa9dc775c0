import { floors, folders } from './floors.ts';

const BEGIN = '<!-- floors: written by npm run floors -->';
const END = '<!-- /floors -->';

/** The document with its tables of folders and tests replaced by those of today's floors; not formatted. */
export function withFloorTables(document: string): string {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/architecture.md has no ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n\n${importTable()}\n\n### Where tests are\n\n${testTable()}\n\n${END}${after}`;
}

function importTable(): string {
  const rows = folders.map((folder) => {
    const { is, imports, types = [], node, packages = [] } = floors[folder]!;
    const only = types.length > 0 ? [`types of ${types.join(', ')}`] : [];
    const modules = node === undefined ? [] : [node === true ? 'Node' : `Node in \`${node}\``];
    const own = packages.length > 0 ? [`its packages ${packages.join(', ')}`] : [];
    return [`\`${folder}/\``, is, [...imports, ...only, ...modules, ...own].join(', ') || '—'];
  });
  return table(['folder', 'what it is', 'imports'], rows);
}

function testTable(): string {
  return table(
    ['folder', 'tested by'],
    folders.map((folder) => [`\`${folder}/\``, floors[folder]!.tests]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
