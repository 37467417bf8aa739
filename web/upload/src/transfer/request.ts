// One POST. A response goes into memory that the caller has, so that a large file does not leave a trail of copies.
import { Malformed, release } from "../wire/bytes";
import { TransferFailure } from "./failure";

/** A request that moves nothing for so long has failed, in milliseconds. */
const silenceLimit = 60_000;

/** The server could not be reached, or the connection broke: another attempt may work. */
export class NotReached extends Error {}

/** Hears how many bytes have gone or come. */
export interface BytesMoved {
  (count: number): void;
}

/** Sends little and receives much; the part of the room that the response takes. */
export async function ask(url: string, headers: Record<string, string>, body: Uint8Array, room: Uint8Array, signal: AbortSignal, received: BytesMoved | null): Promise<Uint8Array> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceLimit);
  const cancel = (): void => silence.abort();
  signal.addEventListener("abort", cancel);
  try {
    signal.throwIfAborted();
    const response = await fetch(url, { method: "POST", headers, body: body as BodyInit, signal: silence.signal, cache: "no-store", redirect: "error" });
    if (response.status !== 200 || response.body === null) throw new NotReached();
    let length = 0;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return room.subarray(0, length);
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceLimit);
      if (length + value.length > room.length) {
        await reader.cancel();
        throw new Malformed("the answer is too long");
      }
      room.set(value, length);
      length += value.length;
      release(value);
      received?.(length);
    }
  } catch (cause) {
    if (signal.aborted) throw new TransferFailure("errorCancelled", false);
    if (cause instanceof Malformed) throw cause;
    throw new NotReached();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
}

/** Sends much and receives little. XMLHttpRequest is used because it tells how much has gone. */
export function send(url: string, body: Uint8Array, signal: AbortSignal, sent: BytesMoved): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), silenceLimit);
    };
    const cancel = (): void => request.abort();
    const end = (result: Uint8Array | Error): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    if (signal.aborted) return reject(new TransferFailure("errorCancelled", false));
    signal.addEventListener("abort", cancel);
    request.open("POST", url);
    request.responseType = "arraybuffer";
    request.upload.onprogress = (event) => {
      alive();
      sent(event.loaded);
    };
    request.onprogress = alive;
    request.onload = () => end(request.status === 200 ? new Uint8Array(request.response as ArrayBuffer) : new NotReached());
    request.onerror = () => end(new NotReached());
    request.onabort = () => end(signal.aborted ? new TransferFailure("errorCancelled", false) : new NotReached());
    alive();
    // As a blob it is not copied into the page's own memory once more.
    request.send(new Blob([body as BlobPart]));
  });
}
