/** Folders the user gave access to, by name: handles survive only in IndexedDB. Created with the first one. */
const DATABASE = 'graft';
const STORE = 'handles';

function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB is denied'));
  });
}

async function ask<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opened = await database();
  try {
    return await new Promise<T>((resolve, reject) => {
      const request = work(opened.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
    });
  } finally {
    opened.close();
  }
}

/** Whether there may be any handle: asking for one would create the database. */
async function exists(): Promise<boolean> {
  if (typeof indexedDB === 'undefined') return false;
  const found = await indexedDB.databases().catch(() => []);
  return found.some(({ name }) => name === DATABASE);
}

/** Remembers a folder under a name. Browsers that can't store handles leave it out. */
export async function storeHandle(name: string, handle: FileSystemDirectoryHandle): Promise<void> {
  await ask('readwrite', (store) => store.put(handle, name)).catch(() => undefined);
}

/** The folder of that name; null if there is none. */
export async function handleOf(name: string): Promise<FileSystemDirectoryHandle | null> {
  if (!(await exists())) return null;
  const found = await ask('readonly', (store) => store.get(name)).catch(() => null);
  return (found as FileSystemDirectoryHandle | undefined) ?? null;
}

export async function forgetHandle(name: string): Promise<void> {
  if (await exists()) await ask('readwrite', (store) => store.delete(name)).catch(() => undefined);
}
