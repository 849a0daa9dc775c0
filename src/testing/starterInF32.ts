import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesSource } from '../base/storage/byteSource.ts';
import { decodeFloats, encodeFloats } from '../base/lib/floats.ts';
import { openSafetensors } from '../content/formats/safetensors.ts';
import { encodeSafetensors } from '../content/formats/safetensorsWriter.ts';
import { starter } from './fixtures.ts';
import { copyFolder, withFields } from './folders.ts';

/** Writes the starter model with its weights in F32, the same numbers, as a folder in `parent`; its path. */
export async function writeStarterInF32(parent: string): Promise<string> {
  const name = 'model.safetensors';
  const path = copyFolder(starter, join(parent, 'starter-f32'), {
    'config.json': withFields({ dtype: 'float32' }),
  });
  const file = await openSafetensors(bytesSource(name, readFileSync(join(starter, name))));
  const tensors = file.inDataOrder().map(async ({ name: tensor, dtype, shape }) => {
    const values = decodeFloats(await file.read(tensor), dtype);
    return { name: tensor, dtype: 'F32', shape: [...shape], bytes: encodeFloats(values, 'F32') };
  });
  writeFileSync(join(path, name), encodeSafetensors(await Promise.all(tensors), { format: 'pt' }));
  return path;
}
