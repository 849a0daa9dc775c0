import { studio } from '../store/index.ts';
import type { DroppedFile } from '../../hosts/browser/intakeProtocol.ts';

/** Opens what the user chose, whatever it is, where it belongs: its content decides, not the button. */
export function openFiles(files: readonly DroppedFile[]): void {
  void studio.getState().takeFiles(files);
}
