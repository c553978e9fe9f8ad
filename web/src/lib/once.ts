/**
 * An `Idempotency-Key` for one form. Made when the form is opened, so that a second click, or another
 * try after an answer that was lost, does the deed once. Works without https, unlike `randomUUID`.
 */
export function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
