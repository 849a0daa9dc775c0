import { floors, folders, mayImport } from './floors.ts';

interface Pattern {
  regex: string;
  message: string;
  allowTypeImports?: true;
}

interface Override {
  files: string[];
  rules: { 'no-restricted-imports': ['error', { patterns: Pattern[] }] };
}

const TABLE = 'see src/launch/floors.ts';
const NODE: Pattern = {
  regex: '^(node:|webgpu$)',
  message: `Runs in browsers too, where there is no Node: ${TABLE}.`,
};
/** Tests drive pages through e2e/, which imports src/. */
const E2E: Pattern = { regex: '^(\\.\\./)+e2e/', message: 'src/ imports nothing from e2e/.' };

/** The linter's rules for the imports of every folder, an override each; later ones overrule earlier ones. */
export function lintOverrides(): Override[] {
  const overrides = folders.flatMap((folder) => {
    const { node } = floors[folder]!;
    const patterns = patternsOf(folder);
    const files = `src/${folder}/`;
    if (node === true) return [override(`${files}**`, patterns)];
    const all = override(`${files}**`, [...patterns, NODE]);
    return node === undefined ? [all] : [all, override(files + node, patterns)];
  });
  return [...overrides, override('src/**/*.test.{ts,tsx}', [E2E])];
}

/** The file that .oxlintrc.json extends: an override a line. */
export function rulesFile(): string {
  const lines = lintOverrides().map((rules) => `    ${JSON.stringify(rules)}`);
  return `{\n  "overrides": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function override(files: string, patterns: Pattern[]): Override {
  return { files: [files], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

function patternsOf(folder: string): Pattern[] {
  const { values, types } = mayImport(folder);
  const refused = folders.filter((other) => ![folder, ...values, ...types].includes(other));
  const { imports, types: onlyTypes = [] } = floors[folder]!;
  const allowed =
    [...imports, ...onlyTypes.map((name) => `types of ${name}`)].join(', ') || 'no other folder';
  const message = `${folder}/ may import ${allowed}: ${TABLE}.`;
  const foreign = packagesRefusedIn(folder);
  return [
    { regex: pathsTo(folder, refused, ['e2e']), message },
    ...(types.length > 0
      ? [{ regex: pathsTo(folder, types), message, allowTypeImports: true as const }]
      : []),
    ...(foreign.length > 0
      ? [{ regex: `^(${foreign.join('|')})($|/)`, message: `Belongs to other folders: ${TABLE}.` }]
      : []),
  ];
}

/** Matches relative paths, from any depth inside `folder`, to files of other folders. */
function pathsTo(folder: string, others: readonly string[], outside: readonly string[] = []): string {
  const own = floorOf(folder);
  const paths = [...new Set(others.map(floorOf))].flatMap((floor) => {
    const inside = others.filter((other) => floorOf(other) === floor);
    const whole = folders.filter((other) => floorOf(other) === floor);
    // A sibling is reached with or without the name of the floor that both are on.
    if (floor === own) return [`(${floor}/)?${group(inside.map(nameOf))}`];
    if (inside.length === whole.length) return [floor];
    return [`${floor}/${group(inside.map(nameOf))}`];
  });
  return `^(\\.\\./)+${group([...paths, ...outside])}/`;
}

function packagesRefusedIn(folder: string): string[] {
  const own = floors[folder]!.packages ?? [];
  const all = folders.flatMap((other) => floors[other]!.packages ?? []);
  return [...new Set(all)].filter((name) => !own.includes(name)).sort();
}

function floorOf(folder: string): string {
  return folder.split('/')[0]!;
}

function nameOf(folder: string): string {
  return folder.split('/').at(-1)!;
}

function group(alternatives: readonly string[]): string {
  return alternatives.length === 1 ? alternatives[0]! : `(${alternatives.join('|')})`;
}
