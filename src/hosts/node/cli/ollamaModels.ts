import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { GraftError } from '../../../base/lib/errors.ts';
import { isPlainFileName } from '../../../base/lib/fileName.ts';
import { nodeFolder, nodeSource } from '../../../base/storage/nodeFolder.ts';
import { renamedSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { readJson } from '../../../content/formats/text.ts';

const PREFIX = 'ollama:';
/** Ollama's own registry, and the user whose models have none in their name. */
const [REGISTRY, LIBRARY, LATEST] = ['registry.ollama.ai', 'library', 'latest'];
const MODEL = 'application/vnd.ollama.image.model';

const manifestSchema = v.object({
  layers: v.array(
    v.object({ mediaType: v.string(), digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)) }),
  ),
});

/** Whether a model is named as one of Ollama's on this machine. */
export function isOllama(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Ollama's folder: $OLLAMA_MODELS, else that of the user or of its service. */
function modelsFolder(): string {
  const own = process.env.OLLAMA_MODELS;
  if (own !== undefined && own !== '') return own;
  const folders = [join(homedir(), '.ollama', 'models'), '/usr/share/ollama/.ollama/models'];
  return folders.find((folder) => existsSync(folder)) ?? folders[0]!;
}

/**
 * The GGUF file of a model that Ollama has downloaded: `ollama:name[:tag]`, `ollama:user/name[:tag]` or with a registry before
 * it. Its manifest names the blob by its digest. Throws `cli.ollama_name`, `cli.ollama_missing`, `cli.ollama_no_gguf`.
 */
export async function ollamaBlob(name: string): Promise<ByteSource> {
  const [path = '', tag = LATEST] = name.slice(PREFIX.length).split(/:(?=[^/]*$)/);
  const parts = path.split('/');
  if (parts.length > 3 || ![...parts, tag].every(isPlainFileName))
    throw new GraftError('cli.ollama_name', { name });
  const [model, user = LIBRARY, registry = REGISTRY] = parts.toReversed();
  const models = modelsFolder();
  const folder = join(models, 'manifests', registry, user, model!);
  if (!existsSync(join(folder, tag))) throw new GraftError('cli.ollama_missing', { name, folder: models });
  const manifest = v.safeParse(manifestSchema, await readJson(nodeFolder(folder), tag));
  const layer = manifest.success
    ? manifest.output.layers.find(({ mediaType }) => mediaType === MODEL)
    : undefined;
  if (!layer) throw new GraftError('cli.ollama_no_gguf', { name });
  const blob = await nodeSource(join(models, 'blobs', layer.digest.replace(':', '-')));
  return renamedSource(blob, `${model}-${tag}.gguf`);
}
