// Compares both sides' answers to a job.

/** What both answer for a text; `tracked` and `streamed` are of Graft alone. */
const KEYS = ['with', 'without', 'text', 'textOnly', 'places'];

/** `{ outcome, text }`: passed where all answers are equal or Graft refuses by name, else failed with the first that isn't. */
export function compareAnswers(job, theirs, ours) {
  if (job.kind !== 'encode') return compareWhole(theirs, ours);
  // What Python can't load or encode has no right answer.
  if (theirs.refused !== undefined) return passed(`Python refuses it (${theirs.refused})`);
  if (ours.refused !== undefined) {
    return job.mustLoad ? failed(`refused: ${ours.refused}`) : passed(`refused: ${ours.refused}`);
  }
  for (const [i, text] of job.texts.entries()) {
    const difference = differenceOf(job, theirs.answers[i], ours.answers[i]);
    if (difference) return failed(`${JSON.stringify(text.slice(0, 200))} in ${job.folder}: ${difference}`);
  }
  return passed(`${job.texts.length} texts`);
}

function differenceOf(job, theirs, ours) {
  if (theirs.refused !== undefined) return null;
  if (ours.refused !== undefined) return `refused: ${ours.refused}`;
  for (const key of job.keys ?? KEYS) {
    // Python's decoders panic on some lists.
    if (theirs[key] === null) continue;
    const [expected, found] = [JSON.stringify(theirs[key]), JSON.stringify(ours[key])];
    if (expected !== found) return `${key} is ${cut(found)}, not ${cut(expected)}`;
  }
  return ours.tracked === true ? null : `with places the ids are ${cut(JSON.stringify(ours.tracked))}`;
}

/** Jobs of other kinds: the answers are equal as JSON. */
function compareWhole(theirs, ours) {
  const [expected, found] = [JSON.stringify(theirs), JSON.stringify(ours)];
  return expected === found ? passed('equal') : failed(`${cut(found)}, not ${cut(expected)}`);
}

const passed = (text) => ({ outcome: 'passed', text });
const failed = (text) => ({ outcome: 'failed', text });
const cut = (text = 'nothing') => (text.length <= 300 ? text : `${text.slice(0, 300)}…`);
