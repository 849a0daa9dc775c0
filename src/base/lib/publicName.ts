/** A path of this machine: absolute, of a home folder, of a drive, or relative with a dot. */
const LOCAL = /^(?:[/\\~]|[A-Za-z]:[/\\]|\.{1,2}(?:[/\\]|$)|file:)/;

/**
 * What published files call a file or folder: names of a Hub (`hf:…`, `org/name`) as they are, a path of this machine by
 * its last part, since the rest names users and machines.
 */
export function publicName(name: string): string {
  if (name.startsWith('hf:')) return name;
  const parts = name.split(/[/\\]/).filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.at(-1) ?? name;
}

/** Like `publicName` for the name of a model, where `org/name` is one of a Hub. */
export function publicModelName(name: string): string {
  const isPath = LOCAL.test(name) || name.split('/').length > 2 || name.includes('\\');
  return isPath ? publicName(name) : name;
}
