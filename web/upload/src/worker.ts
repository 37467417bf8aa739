// The transfers, away from the page's own thread. It hears one request; "cancel" and "delete" may follow.
import { loadSodium } from "./crypto/sodium";
import { parseServer } from "./protocol/servers";
import { ServerConnection } from "./transfer/connection";
import { Download } from "./transfer/download";
import { TransferFailure } from "./transfer/failure";
import { Upload } from "./transfer/upload";
import { openWaitingRoom } from "./transfer/waitingRoom";
import type { FromWorker, ToWorker } from "./messages";

const cancelling = new AbortController();
const never = new AbortController().signal;
let upload: Upload | null = null;
let takeBack: (() => Promise<void>) | null = null;

onmessage = (event: MessageEvent<ToWorker>): void => {
  void answer(event.data).catch(report);
};

async function answer(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "upload": {
      await loadSodium();
      const server = parseServer(message.server);
      upload = new Upload(server, new ServerConnection(server, message.pageHost, cancelling.signal), message.password);
      takeBack = () => upload!.delete(new ServerConnection(server, message.pageHost, never));
      try {
        tell({ kind: "uploaded", fragment: await upload.send(message.file.name, message.file, progress) });
      } catch (cause) {
        report(cause);
        // What is of no use to anybody does not stay on the server; if it cannot be reached, it expires there.
        await takeBack().catch(() => undefined);
        tell({ kind: "ended" });
      }
      break;
    }
    case "download": {
      await loadSodium();
      const download = new Download((server) => new ServerConnection(server, message.pageHost, cancelling.signal), openWaitingRoom);
      try {
        const file = await download.receive(message.fragment, progress);
        tell({ kind: "downloaded", name: file.name, content: file.content });
      } catch (cause) {
        report(cause);
        tell({ kind: "ended" });
      }
      break;
    }
    case "cancel":
      cancelling.abort();
      break;
    case "delete":
      await takeBack?.();
      tell({ kind: "deleted" });
      break;
  }
}

function progress(done: number, total: number): void {
  tell({ kind: "progress", done, total });
}

function report(cause: unknown): void {
  const failure = cause instanceof TransferFailure ? cause : new TransferFailure("errorUnexpected", false, cause instanceof Error ? cause.message : String(cause));
  tell({ kind: "failed", text: failure.text, detail: failure.detail, isFinal: failure.isFinal });
}

function tell(message: FromWorker): void {
  postMessage(message);
}
