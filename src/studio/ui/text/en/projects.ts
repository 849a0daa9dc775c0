import type { Phrase } from '../phrase.ts';

/** Projects: the list, what is saved, and what must be opened again. */
export const projectsTexts = {
  'projects.title': 'Projects',
  'projects.none': 'What you open and change becomes a project, saved in this browser as you work.',
  'projects.new': 'New project',
  'projects.import': 'Import a project',
  'projects.untitled': 'Untitled',
  'projects.example': 'Example',
  'projects.copyOf': '{name} (copy)',
  'projects.damaged': 'Damaged project {id}',
  'projects.changed': 'changed {time}',
  'projects.runs': { one: '{n} run', other: '{n} runs' },
  'projects.current': 'open',
  'projects.open': 'Open',
  'projects.openName': 'Open {name}',
  'projects.more': 'More about {name}',
  'projects.rename': 'Rename',
  'projects.name': 'Project name',
  'projects.duplicate': 'Duplicate',
  'projects.export': 'Export',
  'projects.save': 'Save {name} ({size})',
  'projects.delete': 'Delete',
  'projects.saved': 'Saved in this browser',
  'projects.readOnly': 'This project is open in another tab, so it can’t be changed here.',
  'projects.readOnlyNext': 'Continue there, or close it: this tab then takes over.',
  'projects.workOnCopy': 'Duplicate it',
  'projects.notSaved': 'The project can’t be saved now.',
  'projects.allowModel': 'The model is in the folder “{name}”. Browsers ask again before a page may read it.',
  'projects.allow': 'Open “{name}” again',
  'projects.dropModel': 'The model “{name}” is on your disk: choose or drop its folder again.',
  'projects.dropData':
    'The data file “{name}” is too large to be kept here: choose or drop it again. Your edits are kept.',
  'data.leftBehind': {
    one: '{n} change of rows stays with “{name}”, and comes back when you open that file again.',
    other: '{n} changes of rows stay with “{name}”, and come back when you open that file again.',
  },
  'edit.draft': 'unfinished edit',
  'question.removeProject': 'Delete the project “{name}”?',
  'question.removeProjectText':
    'This deletes its data, edits, recipe and prompts here. Its runs and exported files stay.',
  'question.removeProject.yes': 'Delete',
} as const satisfies Record<string, Phrase>;
