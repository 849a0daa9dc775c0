import { createSHA256, type IHasher } from 'hash-wasm';

/**
 * The SHA-256 of a file hashed piece by piece in order. Saves the state before each piece (about a hundred bytes), so
 * that after a piece has changed, hashing resumes from there.
 */
export class WholeHash {
  readonly #hasher: IHasher;
  readonly #states: Uint8Array[];

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
    this.#states = [hasher.save()];
  }

  static async create(): Promise<WholeHash> {
    return new WholeHash(await createSHA256());
  }

  /** Number of hashed pieces. */
  get pieces(): number {
    return this.#states.length - 1;
  }

  add(piece: Uint8Array): void {
    this.#hasher.update(piece);
    this.#states.push(this.#hasher.save());
  }

  /** Rewinds to before a piece. */
  rewind(piece: number): void {
    if (piece >= this.pieces) return;
    this.#states.length = piece + 1;
    this.#hasher.load(this.#states[piece]!);
  }

  /** The hash of all pieces so far, in hex. More can be added after. */
  hex(): string {
    const hex = this.#hasher.digest('hex');
    this.#hasher.load(this.#states.at(-1)!);
    return hex;
  }
}
