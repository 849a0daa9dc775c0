import type { ErrorText } from './types.ts';

export const storageErrors = {
  'storage.not_found': {
    what: '“{file}” is not in {folder}.',
    next: 'Check the name, or choose the folder that holds it.',
  },
  'storage.folder_not_found': {
    what: 'There is no folder “{folder}”.',
    next: 'Check the path.',
  },
  'storage.not_a_folder': {
    what: '“{folder}” is not a folder.',
    next: 'Give the path of a folder.',
  },
  'storage.is_a_folder': {
    what: '“{file}” in {folder} is a folder, not a file.',
    next: 'Give the path of a file.',
  },
  'storage.bad_name': {
    what: '“{file}” is not a plain file name.',
    next: 'Use a name without slashes, backslashes, “:” or “..”.',
  },
  'storage.short_read': {
    what: 'File “{file}” has {size} bytes, but bytes {offset} to {end} were asked for.',
    next: 'The file is cut off or has changed; get it again.',
  },
  'storage.changed': {
    what: 'File “{file}” can no longer be read: it was changed, moved or removed after it was chosen ({detail}).',
    next: 'Choose the folder again.',
  },
  'storage.quota': {
    what: 'There is no space left to write “{file}”; nothing incomplete was kept under that name.',
    next: 'Free some space, then try again.',
  },
  'storage.denied': {
    what: 'Access to “{file}” was refused ({detail}).',
    next: 'Allow reading and writing of this folder, or choose another one.',
  },
  'storage.busy': {
    what: 'File “{file}” is in use, perhaps by another tab of Graft.',
    next: 'Close the other tab, then try again.',
  },
  'storage.failed': {
    what: 'Reading or writing “{file}” failed: {detail}.',
    next: 'Try again, or choose another folder.',
  },
  'storage.opfs_denied': {
    what: 'The browser refuses this page a private file system ({detail}); private windows often do.',
    next: 'Open Graft in a normal window, or save to a folder of your own.',
  },
  'storage.several_folders': {
    what: 'Both “{first}” and “{second}” hold a {marker}, so it is not clear which model is meant.',
    next: 'Drop one of the two folders.',
  },
  'storage.duplicate_file': {
    what: 'File “{file}” was given twice.',
    next: 'Drop the folder once.',
  },
  'storage.sink_closed': {
    what: 'File “{file}” was written to after it had been closed or given up.',
    next: 'Please report this.',
  },
  'storage.text_too_large': {
    what: 'File “{file}” has {size} bytes; a text file may have at most {limit}.',
    next: 'Check that this is the right file.',
  },
  'storage.bad_utf8': {
    what: 'File “{file}” is not UTF-8 text: byte {offset} does not fit.',
    next: 'Save the file as UTF-8, or get it again.',
  },
  'storage.bad_json': {
    what: 'File “{file}” is not valid JSON: {detail}.',
    next: 'Correct the file, or get it again.',
  },
  'storage.not_object': {
    what: 'File “{file}” holds {found} where a JSON object is expected.',
    next: 'Correct the file, or get it again.',
  },
  'storage.lfs_pointer': {
    what: 'File “{file}” is a Git LFS pointer, not the file itself.',
    next: 'Run “git lfs pull” in its folder, or download the file from its page.',
  },
  'storage.html_page': {
    what: 'File “{file}” is a web page, not the file itself; the download probably asked for a login.',
    next: 'Log in or accept the licence on its page, then download the file again.',
  },
} satisfies Record<string, ErrorText>;
