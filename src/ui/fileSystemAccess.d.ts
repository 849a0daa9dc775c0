/** File System Access, where the browser has it: TypeScript's DOM library leaves the pickers out. */
interface Window {
  showDirectoryPicker?(options?: { mode?: 'read' | 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}
