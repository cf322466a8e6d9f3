/** Memory for writes past the page cache (O_DIRECT). */

const WASM_PAGE_BYTES = 65_536;

/** What Node has of it that TypeScript's library without a browser does not tell. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
};

/** Memory that begins at a page, as direct writes need it: that of WebAssembly does. */
export function pageAligned(sizeBytes: number): Uint8Array {
  const pages = Math.ceil(sizeBytes / WASM_PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return new Uint8Array(memory.buffer, 0, sizeBytes);
}
