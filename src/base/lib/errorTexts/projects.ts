import type { ErrorText } from './types.ts';

export const projectsErrors = {
  'projects.not_found': {
    what: 'This project does not exist in this browser.',
    next: 'Choose another in the list, or import it from a file.',
  },
  'projects.in_use': {
    what: 'This project is open in another tab, which saves it.',
    next: 'Rename or delete it there, or close that tab first.',
  },
  'projects.damaged': {
    what: 'This project cannot be read: both copies of it are damaged.',
    next: 'Delete it, or import it again from a file.',
  },
  'projects.newer': {
    what: 'The project was saved by a later version of Graft (format {format}).',
    next: 'Reload the page to get that version.',
  },
  'projects.invalid': {
    what: 'The project is invalid at “{field}”.',
    next: 'Export it again from the browser it comes from.',
  },
  'projects.not_a_project': {
    what: '“{file}” is not an exported project: {detail}.',
    next: 'Choose a file that “Export” of a project made (….graft-project.zip).',
  },
} as const satisfies Record<string, ErrorText>;
