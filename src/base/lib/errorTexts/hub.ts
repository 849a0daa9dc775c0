import type { ErrorText } from './types.ts';

export const hubErrors = {
  'hub.bad_reference': {
    what: '“{text}” is not a repo id.',
    next: 'Write org/name, or org/name@revision for a branch, tag or commit.',
  },
  'hub.bad_endpoint': {
    what: '“{endpoint}” is not a valid Hub endpoint ({detail}).',
    next: 'Enter an address such as https://huggingface.co.',
  },
  'hub.not_found': {
    what: '“{repo}” does not exist on {host}, or is private.',
    next: 'Check the name; for a private repo, use a token with access to it.',
  },
  'hub.unauthorized': {
    what: '{host} requires sign-in for “{repo}”: the repo is private, gated, or does not exist.',
    next: 'Check the name, and use a token with access to it.',
  },
  'hub.token_refused': {
    what: '{host} rejected the token for “{repo}”: it is invalid or has expired.',
    next: 'Create a new token with read access in your Hub settings and try again; downloads resume where they stopped.',
  },
  'hub.token_withheld': {
    what: '{host} requires a token for “{repo}”, but your token is sent only to the official Hub unless you allow it.',
    next: 'If you trust {host} with your token, allow it for this endpoint.',
  },
  'hub.gated': {
    what: '“{repo}” is gated: its authors grant access.',
    next: 'Accept its terms on its page on {host}, and use a token of that account; downloads resume where they stopped.',
  },
  'hub.revision_not_found': {
    what: '“{repo}” has no branch, tag or commit “{revision}”.',
    next: 'Check the revision, or omit it to use the latest.',
  },
  'hub.file_not_found': {
    what: '“{file}” is not in “{repo}” on {host}.',
    next: 'Check the repo’s files on the Hub.',
  },
  'hub.commit_changed': {
    what: '{host} returned commit {found} of “{repo}” instead of {commit}.',
    next: 'The endpoint mixes revisions; use another one.',
  },
  'hub.bad_listing': {
    what: '{host} returned an unexpected response for “{repo}” ({detail}).',
    next: 'Check the endpoint; a proxy or login page may be in between.',
  },
  'hub.rate_limited': {
    what: '{host} is rate-limiting requests: try again in {seconds} seconds.',
    next: 'Wait, then try again; downloads resume where they stopped. A token raises the limit.',
  },
  'hub.unavailable': {
    what: '{host} is unavailable (status {status}, after {attempts} attempts).',
    next: 'Try again later; downloads resume where they stopped.',
  },
  'hub.offline': {
    what: '{host} cannot be reached ({detail}).',
    next: 'Check the connection and try again; downloads resume where they stopped.',
  },
  'hub.refused': {
    what: '{host} refused the request for “{file}” with status {status}.',
    next: 'Try again later, or check its page on the Hub.',
  },
  'hub.bad_redirect': {
    what: '{host} redirected the request for “{file}” to an address that is not allowed ({detail}).',
    next: 'Check the endpoint.',
  },
  'hub.bad_range': {
    what: '{host} did not return the requested bytes of “{file}” ({detail}).',
    next: 'A proxy or mirror may be the cause: try without it.',
  },
  'hub.html_page': {
    what: '{host} returned a web page instead of “{file}”.',
    next: 'The login page of a network or proxy may be in between: open {host} in a browser.',
  },
  'hub.lfs_pointer': {
    what: '{host} returned a Git LFS pointer instead of “{file}”.',
    next: 'The endpoint does not have the file itself; use another one.',
  },
  'hub.checksum': {
    what: '“{file}” from {host} does not match its listed checksum ({expected}).',
    next: 'The download was discarded. Try again; if this repeats, the file on {host} is damaged.',
  },
  'hub.no_model_files': {
    what: '“{repo}” has no {file}.',
    next: 'Choose a model in transformers format with safetensors weights.',
  },
  'hub.is_adapter': {
    what: '“{repo}” is an adapter, not a model.',
    next: 'Open the model it was trained on, then this adapter in Chat, under “Adapters”.',
  },
  'hub.not_adapter': {
    what: '“{repo}” has no {file}: it is no PEFT adapter.',
    next: 'Choose a repo with an adapter that was trained on the open model.',
  },
  'hub.file_name': {
    what: '“{repo}” contains a file named “{file}”, which cannot be stored.',
    next: 'Please report this repo.',
  },
  'hub.push_bad_name': {
    what: '“{repo}” has no owner.',
    next: 'Write it as your-name/model-name.',
  },
  'hub.push_local_path': {
    what: '“{file}” holds a path of somebody’s machine, “{path}”, which would be published: nothing was sent.',
    next: 'Remove it from the file; if others may see it, push anyway (--yes on the command line).',
  },
  'hub.push_no_token': {
    what: 'Pushing “{repo}” to {host} requires a token.',
    next: 'Use a token with write access; create one in your Hub settings.',
  },
  'hub.push_forbidden': {
    what: '{host} does not allow this token to write to “{repo}”.',
    next: 'Use a token with write access, and a repo of your own or of an organization you belong to.',
  },
  'hub.push_conflict': {
    what: '“{repo}” changed while it was being pushed; nothing was committed.',
    next: 'Push again: files already uploaded to {host} are not sent twice.',
  },
  'hub.push_incomplete': {
    what: 'The commit to “{repo}” on {host} is missing uploaded files, or has others in their place.',
    next: 'Push again.',
  },
  'hub.push_failed': {
    what: 'Pushing “{repo}” to {host} failed ({detail}); nothing was committed.',
    next: 'Push again: files already uploaded are not sent twice.',
  },
} satisfies Record<string, ErrorText>;
