import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';
import { isModelFile } from '../../content/formats/publishedFiles.ts';

/** Files in which AutoGPTQ and AutoAWQ describe weights they quantized. */
const QUANTIZATION = /^(quantize_config|quant_config)\.json$/;

/**
 * The files of a model besides its weights: config, tokenizer, templates, licence. What else lies in its folder is not
 * copied: a merged model is made to be published. Throws `merge.link_outside` for a link that leads out of the folder.
 * @param quantized whether the base's own quantization is undone
 */
export async function sidecarFiles(folder: Folder, quantized = false): Promise<string[]> {
  const names = (await folder.list()).filter(isModelFile);
  for (const file of names) {
    if (await folder.leadsOutside?.(file)) {
      throw new GraftError('merge.link_outside', { file, folder: folder.name });
    }
  }
  return quantized ? names.filter((name) => !QUANTIZATION.test(name)) : names;
}
