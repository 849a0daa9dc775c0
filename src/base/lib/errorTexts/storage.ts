import type { ErrorText } from './types.ts';

export const storageErrors = {
  'storage.not_found': {
    what: '“{file}” is not in {folder}.',
    next: 'Check the name, or choose the folder that contains it.',
  },
  'storage.folder_not_found': {
    what: 'Folder “{folder}” does not exist.',
    next: 'Check the path.',
  },
  'storage.not_a_folder': {
    what: '“{folder}” is not a folder.',
    next: 'Use the path of a folder.',
  },
  'storage.is_a_folder': {
    what: '“{file}” in {folder} is a folder, not a file.',
    next: 'Use the path of a file.',
  },
  'storage.not_a_file': {
    what: '“{file}” in {folder} is {found}, not a file.',
    next: 'Use the path of a file.',
  },
  'storage.bad_name': {
    what: '“{file}” is not a plain file name.',
    next: 'Use a name without slashes, backslashes, “:”, “..” or control characters.',
  },
  'storage.short_read': {
    what: 'File “{file}” has {size} bytes, but bytes {offset} to {end} were requested.',
    next: 'The file is incomplete or has changed; download it again.',
  },
  'storage.changed': {
    what: 'File “{file}” can no longer be read: it was changed, moved or removed after it was chosen ({detail}).',
    next: 'Choose the folder again.',
  },
  'storage.quota': {
    what: 'There is not enough space to write “{file}”; no incomplete file was left behind.',
    next: 'Free some space, then try again.',
  },
  'storage.denied': {
    what: 'Access to “{file}” was denied ({detail}).',
    next: 'Allow reading and writing in this folder, or choose another one.',
  },
  'storage.busy': {
    what: 'File “{file}” is in use, perhaps by another Graft tab.',
    next: 'Close the other tab, then try again.',
  },
  'storage.lost_ownership': {
    what: 'Another process has taken over what is in “{folder}” ({file} is no longer of this process), so nothing more was written there.',
    next: 'Continue with the other process, or end it and start again.',
  },
  'storage.folder_in_use': {
    what: 'Another tab, browser or command is writing to the folder “{folder}”.',
    next: 'Wait until it has ended, or choose another folder. If nothing writes there any more, delete {file} in it.',
  },
  'storage.failed': {
    what: 'Reading or writing “{file}” failed: {detail}.',
    next: 'Try again, or choose another folder.',
  },
  'storage.opfs_denied': {
    what: 'The browser denies this page its private file system ({detail}), as private windows often do.',
    next: 'Open Graft in a normal window, or save to a folder of your own.',
  },
  'storage.several_folders': {
    what: 'Both “{first}” and “{second}” contain a {marker}, so it is not clear which model to open.',
    next: 'Drop only one of the two folders.',
  },
  'storage.duplicate_file': {
    what: 'File “{file}” was dropped twice.',
    next: 'Drop the folder once.',
  },
  'storage.sink_closed': {
    what: 'File “{file}” was written to after it had been closed or discarded.',
    next: 'Please report this.',
  },
  'storage.text_too_large': {
    what: 'File “{file}” has {size} bytes; a text file may have at most {limit}.',
    next: 'Check that this is the right file.',
  },
  'storage.bad_utf8': {
    what: 'File “{file}” is not valid UTF-8 (first invalid byte at offset {offset}).',
    next: 'Save the file as UTF-8, or download it again.',
  },
  'storage.bad_json': {
    what: 'File “{file}” is not valid JSON: {detail}.',
    next: 'Correct the file, or download it again.',
  },
  'storage.json_too_deep': {
    what: 'File “{file}” is nested more than {limit} levels deep.',
    next: 'Check that this is the right file.',
  },
  'storage.not_object': {
    what: 'File “{file}” contains {found} instead of a JSON object.',
    next: 'Correct the file, or download it again.',
  },
  'storage.lfs_pointer': {
    what: 'File “{file}” is a Git LFS pointer, not the file itself.',
    next: 'Run “git lfs pull” in its folder, or download the file from its page.',
  },
  'storage.html_page': {
    what: 'File “{file}” is a web page, not the file itself; the download probably required a login.',
    next: 'Log in or accept the license on its page, then download the file again.',
  },
} satisfies Record<string, ErrorText>;
