import { GraftError } from '../../base/lib/errors.ts';
import { readJsonObject, writeText } from '../formats/text.ts';
import type { Directory, Folder, Locks } from '../../base/storage/types.ts';
import { BlobStore } from './blobStore.ts';
import type { HubFile } from './remoteFile.ts';
import type { HubRepo } from './resolveRepo.ts';

/** A model in the cache, complete at a commit; or files of a dataset. */
export interface CachedModel {
  /** The host of the Hub it came from. */
  host: string;
  repo: string;
  commit: string;
  /** The requested branch, tag or commit. */
  revision: string;
  license: string | null;
  /** Bytes of its files; commits of one model may share files. */
  bytes: number;
  /** Its GGUF files, each of them a model; none where it is one in safetensors. */
  ggufs: { path: string; size: number }[];
  /** Unix time in milliseconds. */
  lastUsed: number;
}

/** The cached content of one repo. */
export interface CachedRepo {
  host: string;
  repo: string;
  /** Bytes on disk, including incomplete files. */
  bytes: number;
  models: CachedModel[];
}

interface Manifest extends Omit<CachedModel, 'bytes' | 'lastUsed' | 'ggufs'> {
  files: HubFile[];
}

/**
 * Downloaded models and dataset files: `<host>/models--<org>--<name>/blobs/<checksum>`, and beside them
 * `commits/<commit>.json`, written when all files of the commit are there and verified.
 */
export class ModelCache {
  readonly #root: Directory;
  readonly #locks: Locks;
  readonly #now: () => number;

  constructor(root: Directory, locks: Locks, now: () => number = Date.now) {
    this.#root = root;
    this.#locks = locks;
    this.#now = now;
  }

  /** Runs `work` while no other tab or process downloads or removes this model. */
  hold<T>(
    host: string,
    repo: string,
    work: () => Promise<T>,
    options?: { signal?: AbortSignal; onWait?: () => void },
  ): Promise<T> {
    return this.#locks.hold(`${hostFolder(host)}--${repoFolder(repo)}`, work, options);
  }

  /** The blobs of a repo, shared by all its commits. */
  async blobs(host: string, repo: string): Promise<BlobStore> {
    return new BlobStore(await (await this.#repo(host, repo)).directory('blobs'));
  }

  /** Makes a model appear. All its files must be in the store. */
  async commit(host: string, model: HubRepo, files: HubFile[]): Promise<void> {
    const { repo, revision, commit, license } = model;
    const manifest: Manifest = { host, repo, revision, commit, license, files };
    const commits = await this.#commits(host, repo);
    await writeText(commits, `${commit}.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  }

  /** Adds files to a commit's list. All must be in the store. */
  async add(host: string, repo: HubRepo, files: HubFile[]): Promise<void> {
    const earlier = (await this.#manifest(host, repo.repo, repo.commit))?.files ?? [];
    const byPath = new Map([...earlier, ...files].map((file) => [file.path, file]));
    await this.commit(host, repo, [...byPath.values()]);
    await this.#use(host, repo.repo, repo.commit);
  }

  /** The folder of a model at a commit; null unless all its files are there. Updates its last use. */
  async open(host: string, repo: string, commit: string): Promise<Folder | null> {
    const manifest = await this.#manifest(host, repo, commit);
    if (manifest === null) return null;
    const store = await this.blobs(host, repo);
    for (const file of manifest.files) if (!(await store.has(file))) return null;
    const files = new Map(manifest.files.map((file) => [file.path, file]));
    await this.#use(host, repo, commit);
    return {
      name: repo,
      origin: { repo, commit, license: manifest.license },
      list: async () => [...files.keys()].sort(),
      async open(name) {
        const file = files.get(name);
        if (file === undefined) throw new GraftError('storage.not_found', { file: name, folder: repo });
        return store.open(file);
      },
    };
  }

  /** The commit last downloaded for a revision, for when the Hub can't be reached; null if there is none. */
  async latest(host: string, repo: string, revision: string): Promise<string | null> {
    const models = (await this.#models(host, repo)).filter((model) => model.revision === revision);
    return models.sort((a, b) => b.lastUsed - a.lastUsed)[0]?.commit ?? null;
  }

  /** All cached repos, the largest first. */
  async list(): Promise<CachedRepo[]> {
    const found: CachedRepo[] = [];
    for (const hostName of await this.#root.directories()) {
      for (const folder of await (await this.#root.directory(hostName)).directories()) {
        const repo = repoOf(folder);
        if (repo === null) continue;
        const host = hostName.replace('_', ':');
        const bytes = await (await this.blobs(host, repo)).bytes();
        found.push({ host, repo, bytes, models: await this.#models(host, repo) });
      }
    }
    return found.sort((a, b) => b.bytes - a.bytes);
  }

  /**
   * Removes a commit with the files that no other commit uses or, without `commit`, all of a repo, including incomplete
   * files.
   */
  async remove(host: string, repo: string, commit?: string): Promise<void> {
    await this.hold(host, repo, async () => {
      const commits = await this.#commits(host, repo);
      if (commit === undefined) {
        // The manifests first: a crash in between leaves no model that looks complete.
        for (const name of await commits.list()) await commits.remove(name);
        await (await this.#root.directory(hostFolder(host))).removeDirectory(repoFolder(repo));
        return;
      }
      const gone = await this.#manifest(host, repo, commit);
      for (const name of await commits.list()) if (name.startsWith(commit)) await commits.remove(name);
      const referenced = new Set<string>();
      for (const model of await this.#models(host, repo)) {
        const manifest = await this.#manifest(host, repo, model.commit);
        for (const { oid } of manifest?.files ?? []) referenced.add(oid);
      }
      const oids = (gone?.files ?? []).map(({ oid }) => oid).filter((oid) => !referenced.has(oid));
      await (await this.blobs(host, repo)).remove(oids);
    });
  }

  async #models(host: string, repo: string): Promise<CachedModel[]> {
    const commits = await this.#commits(host, repo);
    const names = new Set(await commits.list());
    const models: CachedModel[] = [];
    for (const name of names) {
      if (!name.endsWith('.json')) continue;
      const manifest = await this.#manifest(host, repo, name.slice(0, -'.json'.length));
      if (manifest === null) continue;
      const { files, ...rest } = manifest;
      const used = `${manifest.commit}.used`;
      const lastUsed = names.has(used) ? await readNumber(commits, used) : 0;
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      const ggufs = files
        .filter(({ path }) => /\.gguf$/i.test(path))
        .map(({ path, size }) => ({ path, size }));
      models.push({ ...rest, bytes, ggufs, lastUsed });
    }
    return models;
  }

  async #manifest(host: string, repo: string, commit: string): Promise<Manifest | null> {
    try {
      const commits = await this.#commits(host, repo);
      const manifest = (await readJsonObject(commits, `${commit}.json`)) as unknown as Manifest;
      return manifest.commit === commit && Array.isArray(manifest.files) ? manifest : null;
    } catch (error) {
      // Missing, or truncated by a crash: it was never complete.
      const absent = /^storage\.(?:not_found|folder_not_found|bad_json|bad_utf8|not_object)$/;
      if (error instanceof GraftError && absent.test(error.code)) return null;
      throw error;
    }
  }

  async #use(host: string, repo: string, commit: string): Promise<void> {
    await writeText(await this.#commits(host, repo), `${commit}.used`, String(this.#now()));
  }

  async #repo(host: string, repo: string): Promise<Directory> {
    return (await this.#root.directory(hostFolder(host))).directory(repoFolder(repo));
  }

  async #commits(host: string, repo: string): Promise<Directory> {
    return (await this.#repo(host, repo)).directory('commits');
  }
}

/** A colon precedes a host's port, and is not allowed in file names. */
function hostFolder(host: string): string {
  return host.replace(/^\[|\]/g, '').replaceAll(':', '_');
}

/** Named like the Hub's own cache: `models--org--name`, `datasets--org--name`. */
function repoFolder(repo: string): string {
  return (repo.startsWith('datasets/') ? repo : `models/${repo}`).replaceAll('/', '--');
}

/** The repo of a folder of that name; null for others. Repo names never contain `--`. */
function repoOf(folder: string): string | null {
  const [kind, ...name] = folder.split('--');
  if (kind === 'models') return name.join('/');
  return kind === 'datasets' ? folder.replaceAll('--', '/') : null;
}

async function readNumber(folder: Folder, file: string): Promise<number> {
  const source = await folder.open(file);
  const text = new TextDecoder().decode(await source.read(0, Math.min(32, source.size)));
  return Number(text) || 0;
}
