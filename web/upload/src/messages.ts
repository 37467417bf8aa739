import type { TextKey } from "./view/texts";

/** What the page asks of its worker. */
export type ToWorker =
  | { readonly kind: "upload"; readonly file: File; readonly server: string; readonly password: string | null; readonly pageHost: string }
  | { readonly kind: "download"; readonly fragment: string; readonly pageHost: string }
  | { readonly kind: "cancel" }
  | { readonly kind: "delete" };

/** What the worker tells the page. */
export type FromWorker =
  | { readonly kind: "progress"; readonly done: number; readonly total: number }
  | { readonly kind: "uploaded"; readonly fragment: string }
  | { readonly kind: "downloaded"; readonly name: string; readonly content: Blob }
  | { readonly kind: "deleted" }
  | { readonly kind: "failed"; readonly text: TextKey; readonly detail: string; readonly isFinal: boolean }
  | { readonly kind: "ended" };
