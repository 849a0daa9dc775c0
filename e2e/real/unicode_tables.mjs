// Writes src/content/data/tokenizer/unicodeTables.ts from the output of unicode_tables.py (on stdin). Needs a Node with
// newer Unicode data than the libraries: for script names, and to detect characters unknown to their normal forms.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../src/launch/project.mjs';

const LIMIT = 0x110000;
const probed = JSON.parse(readFileSync(0, 'utf8'));

const setOf = (ranges) => {
  const set = new Uint8Array(LIMIT);
  for (const [first, last] of ranges) set.fill(1, first, last + 1);
  return set;
};
const union = (...sets) => sets[0].map((_, i) => (sets.some((set) => set[i]) ? 1 : 0));
const minus = (a, b) => a.map((bit, i) => (bit && !b[i] ? 1 : 0));
const where = (test) => {
  const set = new Uint8Array(LIMIT);
  for (let point = 0; point < LIMIT; point++) {
    if (point < 0xd800 || point > 0xdfff) set[point] = test(String.fromCodePoint(point), point) ? 1 : 0;
  }
  return set;
};

function encoded(set) {
  const ranges = [];
  for (let at = 0, end = 0; at < LIMIT; at++) {
    if (!set[at]) continue;
    const start = at;
    while (set[at + 1]) at++;
    ranges.push((start - end).toString(36) + (at > start ? `-${(at - start).toString(36)}` : ''));
    end = at + 1;
  }
  return ranges.join(' ');
}

const categories = Object.fromEntries(
  Object.entries(probed.categories).map(([name, ranges]) => [name, setOf(ranges)]),
);
const general = (letter) =>
  union(
    ...Object.keys(categories)
      .filter((name) => name[0] === letter)
      .map((name) => categories[name]),
  );
const [letters, marks, numbers, punctuation] = ['L', 'M', 'N', 'P'].map(general);
const ascii = where((char) => /[!-/:-@[-`{-~]/.test(char));
const removedPunctuation = minus(
  where(() => true),
  setOf(probed.notPunctuation),
);
const known = union(punctuation, ascii);
const [theirMarks, accents, controls] = ['marks', 'accents', 'controls'].map((name) => setOf(probed[name]));

const { order, ...forms } = probed.forms;
const unnormalized = where((char, point) => {
  if (Object.entries(forms).some(([form, changed]) => (changed[point] ?? char) !== char.normalize(form)))
    return true;
  return (
    order[point]?.some((text, i) => text !== ['a\u0345' + char, `a${char}\u0334`][i].normalize('NFD')) ??
    false
  );
});

const differences = {
  OtherAlphabetic: minus(setOf(probed.Alphabetic), union(letters, categories.Nl)),
  OtherUppercase: minus(setOf(probed.Uppercase), categories.Lu),
  OtherLowercase: minus(setOf(probed.Lowercase), categories.Ll),
  NewerNumeric: minus(setOf(probed.numeric), numbers),
  NotPunctuation: minus(known, removedPunctuation),
  MorePunctuation: minus(removedPunctuation, known),
  NotMark: minus(marks, theirMarks),
  NotNonspacing: minus(categories.Mn, accents),
  NotOther: minus(union(categories.Cc, categories.Cf, categories.Co), controls),
  Unnormalized: unnormalized,
  MoreMark: minus(theirMarks, marks),
  MoreNonspacing: minus(accents, categories.Mn),
};

/** Characters whose script has changed since. */
const OLD_SCRIPTS = { 0x589: 'Common', 0x61c: 'Common', 0x953: 'Devanagari', 0x954: 'Devanagari' };

/** Scripts by name: from the engine, for characters that have one in the pre-tokenizer. */
function scripts() {
  const names = readFileSync(join(root, 'e2e', 'real', 'scripts.txt'), 'utf8')
    .trim()
    .split('\n');
  const scripted = setOf(probed.scripted);
  return names.map((name) => {
    const test = new RegExp(String.raw`^\p{Script=${name}}$`, 'u');
    return [
      name.replaceAll('_', ''),
      where(
        (char, point) =>
          scripted[point] && (OLD_SCRIPTS[point] ? OLD_SCRIPTS[point] === name : test.test(char)),
      ),
    ];
  });
}

const block = (entries) => entries.map(([name, set]) => `  ${name}: '${encoded(set)}',`).join('\n');
const file = join(root, 'src', 'content', 'data', 'tokenizer', 'unicodeTables.ts');
const [head] = readFileSync(file, 'utf8').split('export const CATEGORIES');
writeFileSync(
  file,
  `${head}export const CATEGORIES = {
${block(Object.entries(categories))}
} as const;

/** Additions to and removals from the categories, for binary properties and older tables. */
export const DIFFERENCES = {
${block(Object.entries(differences))}
} as const;

/** Scripts of the pre-tokenizer UnicodeScripts (Unicode 10); a character in none has script Any. */
export const SCRIPTS = {
${block(scripts())}
} as const;
`,
);
