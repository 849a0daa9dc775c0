import { describe, expect, it } from 'vitest';
import { GraftError } from '../lib/errors.ts';
import { pickModelFiles, type PathFile } from './modelFiles.ts';

function files(...paths: string[]): PathFile[] {
  return paths.map((path) => ({ path, file: new File(['x'], path.split('/').at(-1)!) }));
}

function namesOf(found: PathFile[]) {
  const { name, files: picked } = pickModelFiles(found);
  return { name, files: picked.map((file) => file.name) };
}

describe('pickModelFiles', () => {
  it('takes a folder by its name, without hidden files and folders below', () => {
    const found = files(
      'qwen/config.json',
      'qwen/model.safetensors',
      'qwen/.gitattributes',
      'qwen/onnx/config.json',
    );
    expect(namesOf(found)).toEqual({ name: 'qwen', files: ['config.json', 'model.safetensors'] });
  });

  it('finds the model in a folder above it', () => {
    const found = files('models/notes.txt', 'models/tiny/config.json', 'models/tiny/tokenizer.json');
    expect(namesOf(found)).toEqual({ name: 'tiny', files: ['config.json', 'tokenizer.json'] });
  });

  it('takes files picked one by one', () => {
    expect(namesOf(files('config.json', 'stories.safetensors')).name).toBe('stories');
    expect(
      namesOf(files('config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'))
        .name,
    ).toBe('model');
  });

  it('says which folder has no config.json', () => {
    expect(() => pickModelFiles(files('photos/a.png', 'photos/b.png'))).toThrow(GraftError);
    expect(() => pickModelFiles(files('photos/a.png'))).toThrow('“photos” has no config.json');
    expect(() => pickModelFiles([])).toThrow(GraftError);
  });
});
