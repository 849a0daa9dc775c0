import { studio } from '../store/index.ts';
import { pickModelFiles, type PathFile } from '../store/modelFiles.ts';

/** Opens the model among the files a person chose, or says in its place why there is none. */
export function chooseModelFiles(files: readonly PathFile[]): void {
  const { chooseModel, refuseModel } = studio.getState();
  try {
    void chooseModel({ kind: 'files', ...pickModelFiles(files) });
  } catch (error) {
    refuseModel(error);
  }
}

/** Opens the data file among the files a person chose. */
export function chooseDataFile(files: readonly PathFile[]): void {
  const first = files[0];
  if (first) void studio.getState().openDataset({ kind: 'file', file: first.file });
}

/** Opens the PEFT folder a person chose. */
export function chooseAdapterFiles(files: readonly PathFile[]): void {
  const name = files[0]?.path.split('/').at(-2) ?? 'adapter';
  const list = files.map(({ file }) => file).filter((file) => !file.name.startsWith('.'));
  void studio.getState().openAdapter({ kind: 'files', name, files: list });
}
