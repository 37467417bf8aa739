// Where a file waits, encrypted, until all of it is there: in the browser's private files of this site, or in memory where
// there are none. No key is ever kept with it.
import { TransferFailure } from "./failure";

/** Bytes that come in order and are read again; reading fills what it is given. */
export interface WaitingRoom {
  add(bytes: Uint8Array): Promise<void>;
  read(start: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const folderPrefix = "download-";

/** Makes a room; also removes those that pages left behind which were closed too early. */
export async function openWaitingRoom(): Promise<WaitingRoom> {
  try {
    return await PrivateFile.open();
  } catch {
    // Private windows of some browsers have no files: then memory has to do.
    return new Memory();
  }
}

/** A file in a folder that nobody else uses while the lock of its name is held. */
class PrivateFile implements WaitingRoom {
  private length = 0;

  private constructor(private readonly name: string, private readonly file: FileSystemSyncAccessHandle, private readonly unlock: () => void) {}

  static async open(): Promise<PrivateFile> {
    const root = await navigator.storage.getDirectory();
    const name = folderPrefix + crypto.randomUUID();
    const unlock = await lock(name);
    try {
      await sweep(root);
      const handle = await root.getFileHandle(name, { create: true });
      return new PrivateFile(name, await handle.createSyncAccessHandle(), unlock);
    } catch (cause) {
      unlock();
      throw cause;
    }
  }

  add(bytes: Uint8Array): Promise<void> {
    try {
      if (this.file.write(bytes as BufferSource, { at: this.length }) !== bytes.length) throw new TransferFailure("errorNoSpace", false);
    } catch {
      return Promise.reject(new TransferFailure("errorNoSpace", false));
    }
    this.length += bytes.length;
    return Promise.resolve();
  }

  read(start: number, bytes: Uint8Array): Promise<void> {
    const isWhole = this.file.read(bytes as BufferSource, { at: start }) === bytes.length;
    return isWhole ? Promise.resolve() : Promise.reject(new TransferFailure("errorNoSpace", false));
  }

  async close(): Promise<void> {
    this.file.close();
    await (await navigator.storage.getDirectory()).removeEntry(this.name);
    this.unlock();
  }
}

class Memory implements WaitingRoom {
  private content = new Blob();

  add(bytes: Uint8Array): Promise<void> {
    this.content = new Blob([this.content, bytes as BlobPart]);
    return Promise.resolve();
  }

  async read(start: number, bytes: Uint8Array): Promise<void> {
    bytes.set(new Uint8Array(await this.content.slice(start, start + bytes.length).arrayBuffer()));
  }

  close(): Promise<void> {
    this.content = new Blob();
    return Promise.resolve();
  }
}

// The lock goes with the page: a file whose lock is free belongs to nobody any more.
function lock(name: string): Promise<() => void> {
  return new Promise((locked, failed) => {
    navigator.locks.request(name, () => new Promise<void>((unlock) => locked(unlock))).catch(failed);
  });
}

async function sweep(root: FileSystemDirectoryHandle): Promise<void> {
  const held = new Set((await navigator.locks.query()).held?.map((one) => one.name));
  for await (const name of root.keys()) {
    if (name.startsWith(folderPrefix) && !held.has(name)) await root.removeEntry(name);
  }
}
