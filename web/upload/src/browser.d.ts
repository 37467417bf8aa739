// What workers have of the browser's private files, which the types of pages leave out.
interface FileSystemSyncAccessHandle {
  read(buffer: BufferSource, options: { at: number }): number;
  write(buffer: BufferSource, options: { at: number }): number;
  close(): void;
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
}
