// Compares both sides' answers to a job.

/** Answers of both sides for a text; `tracked` and `streamed` are Graft's alone. */
const KEYS = ['with', 'without', 'text', 'textOnly', 'places'];

/**
 * Returns `{ outcome, text }`: passed if all answers are equal or Graft rejects with a named error, otherwise failed
 * with the first difference.
 */
export function compareAnswers(job, theirs, ours) {
  if (job.kind === 'chat') return compareChats(theirs, ours);
  // What Python can't load or encode has no correct answer.
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

/**
 * Chats: equal texts and ids, and the same tokens are trained. Graft rejects what a template ignores, and for answers
 * that it renders differently inside a chat than at its end, Graft may skip or find them.
 */
function compareChats(theirs, ours) {
  if (ours.refused !== undefined) {
    const isNamed = /^data\.(?:no_place|thought_dropped|template_refused|answer_not_found)$/.test(
      ours.refused,
    );
    return isNamed ? passed(`refused: ${ours.refused}`) : failed(`refused: ${ours.refused}`);
  }
  for (const key of ['refused', 'text', 'ids', 'trained']) {
    if (key === 'trained' && theirs.trained === null) continue;
    const [expected, found] = [JSON.stringify(theirs[key]), JSON.stringify(ours[key])];
    if (expected !== found) return failed(`${key} is ${cut(found)}, not ${cut(expected)}`);
  }
  return passed(theirs.trained === null ? 'equal text' : 'equal text and trained tokens');
}

const passed = (text) => ({ outcome: 'passed', text });
const failed = (text) => ({ outcome: 'failed', text });
const cut = (text = 'nothing') => (text.length <= 300 ? text : `${text.slice(0, 300)}…`);
