import { GraftError } from '../lib/errors.ts';

/** A file with the path it had in the folder that was dropped or chosen. */
export interface PathFile {
  path: string;
  file: File;
}

/**
 * The files of the one model among what a person dropped or picked: those beside the `config.json` that lies
 * nearest to the top, so that the folder above a model does too. Hidden files are left out.
 * Throws `workers.no_model_files`.
 */
export function pickModelFiles(found: readonly PathFile[]): { name: string; files: File[] } {
  const split = found.map(({ path, file }) => {
    const parts = path.split('/').filter(Boolean);
    return {
      folder: parts.slice(0, -1).join('/'),
      depth: parts.length,
      name: parts.at(-1) ?? file.name,
      file,
    };
  });
  const config = split.filter(({ name }) => name === 'config.json').sort((a, b) => a.depth - b.depth)[0];
  if (!config) {
    const name = split[0]?.folder.split('/')[0] || split[0]?.name || '';
    throw new GraftError('workers.no_model_files', { name });
  }
  const files = split
    .filter(({ folder, name }) => folder === config.folder && !name.startsWith('.'))
    .map(({ file }) => file);
  return { name: config.folder.split('/').at(-1) || modelNameOf(files), files };
}

/** A name for files picked without their folder: that of the lone weights file, where it says more than "model". */
function modelNameOf(files: readonly File[]): string {
  const weights = files.filter((file) => file.name.endsWith('.safetensors'));
  const stem = weights.length === 1 ? weights[0]!.name.replace(/\.safetensors$/, '') : 'model';
  return stem;
}
