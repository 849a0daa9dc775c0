import type { ErrorText } from './types.ts';

export const cliErrors = {
  'cli.unknown_command': {
    what: '“{command}” is not a command.',
    next: 'Commands: {known}. See the README for their options.',
  },
  'cli.bad_option': { what: '{detail}', next: 'Usage: {usage}' },
  'cli.missing_option': { what: 'Option --{option} is missing.', next: 'Usage: {usage}' },
  'cli.bad_number': { what: 'Option --{option} is “{value}”, not a number Graft can use.', next: 'Usage: {usage}' },
  'cli.output_exists': {
    what: 'The output folder “{folder}” is not empty.',
    next: 'Choose a new or empty folder.',
  },
} satisfies Record<string, ErrorText>;
