import type { ErrorText } from './types.ts';

export const hubErrors = {
  'hub.bad_reference': {
    what: '“{text}” names nothing on the Hub.',
    next: 'Write org/name, or org/name@revision for a branch, tag or commit.',
  },
  'hub.bad_endpoint': {
    what: '“{endpoint}” is not an address of a Hub ({detail}).',
    next: 'Give an address such as https://huggingface.co.',
  },
  'hub.not_found': {
    what: 'There is no “{repo}” on {host}, or it is private.',
    next: 'Check the name; for a private repo, give a token that may read it.',
  },
  'hub.unauthorized': {
    what: '{host} asks who you are before it gives “{repo}”: it is private or gated, or there is none of this name.',
    next: 'Check the name, and give a token that may read it.',
  },
  'hub.token_refused': {
    what: '{host} refuses the token for “{repo}”: it is wrong or no longer valid.',
    next: 'Make a new token with read access in your settings on the Hub, and try again; what was downloaded is kept.',
  },
  'hub.token_withheld': {
    what: '{host} asks for a token for “{repo}”, but tokens go only to the official Hub unless you say otherwise.',
    next: 'If you trust {host} with your token, allow it for this endpoint.',
  },
  'hub.gated': {
    what: 'Access to “{repo}” must be granted by its authors.',
    next: 'Open its page on {host}, accept its terms, and use a token of that account; what was downloaded is kept.',
  },
  'hub.revision_not_found': {
    what: '“{repo}” has no branch, tag or commit “{revision}”.',
    next: 'Check the revision, or leave it out for the newest.',
  },
  'hub.file_not_found': {
    what: '“{file}” is not in “{repo}” on {host}.',
    next: 'Look at its files on the Hub.',
  },
  'hub.commit_changed': {
    what: '{host} answered with commit {found} of “{repo}” where {commit} was asked for.',
    next: 'The endpoint mixes revisions; use another one.',
  },
  'hub.bad_listing': {
    what: '{host} gave an answer about “{repo}” that cannot be understood ({detail}).',
    next: 'Check the endpoint; a proxy or login page may stand between.',
  },
  'hub.rate_limited': {
    what: '{host} has had too many requests and asks to wait {seconds} seconds.',
    next: 'Try again then; what was downloaded is kept. A token raises the limit.',
  },
  'hub.unavailable': {
    what: '{host} cannot answer now (status {status}, after {attempts} attempts).',
    next: 'Try again later; what was downloaded is kept.',
  },
  'hub.offline': {
    what: '{host} cannot be reached ({detail}).',
    next: 'Check the connection and try again; what was downloaded is kept.',
  },
  'hub.refused': {
    what: '{host} refuses the request for “{file}” with status {status}.',
    next: 'Try again later, or look at its page on the Hub.',
  },
  'hub.bad_redirect': {
    what: '{host} sends the request for “{file}” to where it may not go ({detail}).',
    next: 'Check the endpoint.',
  },
  'hub.bad_range': {
    what: '{host} gave other bytes of “{file}” than were asked for ({detail}).',
    next: 'A proxy or mirror may be at fault: try without it.',
  },
  'hub.html_page': {
    what: '{host} gave a web page in place of “{file}”.',
    next: 'A login page of the network or of a proxy may stand between: open {host} in a browser.',
  },
  'hub.lfs_pointer': {
    what: '{host} gave a Git LFS pointer in place of “{file}”.',
    next: 'The endpoint does not hold the file itself; use another one.',
  },
  'hub.checksum': {
    what: '“{file}” as {host} gives it does not have the checksum that its listing names ({expected}).',
    next: 'Nothing of it is kept. Try again; if it stays so, the file on {host} is damaged.',
  },
  'hub.no_model_files': {
    what: '“{repo}” has no {file}.',
    next: 'Choose a model in the format of transformers, with safetensors weights.',
  },
  'hub.file_name': {
    what: '“{repo}” has a file with the name “{file}”, which cannot be stored.',
    next: 'Please report this repo.',
  },
  'hub.push_bad_name': {
    what: '“{repo}” does not say whose repo it is.',
    next: 'Write it as your-name/model-name.',
  },
  'hub.push_no_token': {
    what: 'To push “{repo}”, {host} must know who you are, and no token was given.',
    next: 'Give a token with write access; make one in your settings on the Hub.',
  },
  'hub.push_forbidden': {
    what: '{host} does not let this token write “{repo}”.',
    next: 'Use a token with write access, and a repo of your own or of an organization you belong to.',
  },
  'hub.push_conflict': {
    what: '“{repo}” was changed by somebody else while it was being pushed; nothing was committed.',
    next: 'Push again: what was sent to {host} is not sent twice.',
  },
  'hub.push_incomplete': {
    what: 'The commit to “{repo}” on {host} lacks files that were sent, or has others in their place.',
    next: 'Push again.',
  },
  'hub.push_failed': {
    what: 'Pushing “{repo}” to {host} failed ({detail}); nothing was committed.',
    next: 'Push again: what was sent is not sent twice.',
  },
} satisfies Record<string, ErrorText>;
