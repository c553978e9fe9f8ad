/**
 * Where the gateway is, whatever path a proxy serves it below: the document says in `<base>` where
 * the folder of the pages is, and the gateway is one above.
 */
export const PAGES = new URL("./", document.baseURI);
export const ROOT = new URL("../", PAGES);

/** Of something the gateway serves, such as `api/v1/me`. */
export function at(path: string): string {
  return new URL(path, ROOT).href;
}
