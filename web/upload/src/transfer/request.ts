// One POST. XMLHttpRequest is used because it tells how much of a body has gone.
import { TransferFailure } from "./failure";

/** A request that moves nothing for so long has failed, in milliseconds. */
const silenceLimit = 60_000;

/** The server could not be reached, or the connection broke: another attempt may work. */
export class NotReached extends Error {}

export interface RequestProgress {
  (sent: number, received: number): void;
}

export function post(url: string, headers: Record<string, string>, body: Blob | Uint8Array, signal: AbortSignal, progress: RequestProgress | null): Promise<Uint8Array> {
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
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress !== null && body instanceof Blob)
      request.upload.onprogress = (event) => {
        alive();
        progress(event.loaded, 0);
      };
    request.onprogress = (event) => {
      alive();
      progress?.(body instanceof Blob ? body.size : body.length, event.loaded);
    };
    request.onload = () => end(request.status === 200 ? new Uint8Array(request.response as ArrayBuffer) : new NotReached());
    request.onerror = () => end(new NotReached());
    request.onabort = () => end(signal.aborted ? new TransferFailure("errorCancelled", false) : new NotReached());
    alive();
    request.send(body as XMLHttpRequestBodyInit);
  });
}
